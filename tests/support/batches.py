#!/usr/bin/env python3
"""Puts source files together that can be compiled as one, and prints the files that include them.

    batches.py DIRECTORY NAME SOURCE...

For the sanitizer builds: templates that many files use are instantiated, instrumented and optimised once
a batch. The other builds compile each file alone. Two files are not put together if what one declares in
an anonymous namespace is a name that stands in the other, or in a header that only the other includes.
"""

import pathlib
import re
import sys

# Larger batches gain little more, and a change in one file compiles all of its batch.
LARGEST = 8

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOISE = re.compile(r'//.*|"(?:\\.|[^"\\\n])*"')
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
# Not b of a.b, a->b, a::b.
NAME = re.compile(r'(?<![.>:\w])[A-Za-z_]\w*')
ANONYMOUS = re.compile(r'^namespace \{\n(.*?)^\}  // namespace$', re.MULTILINE | re.DOTALL)
# As clang-format lays them out: a declaration begins at the beginning of a line, and what it declares stands
# before the first of these characters. Constants may be several.
DECLARED = re.compile(
    r'^(?:(?:class|struct|enum class|enum) (\w+)'
    r'|(?!using namespace)(?:\[\[.*?\]\] )?[A-Za-z][^({=;\n]*?\b(\w+) ?(?:\[\w*\] ?)?[({=;])', re.MULTILINE)
CONSTANTS = re.compile(r'^(?:constexpr|enum)\b[^;]*;', re.MULTILINE)
VALUE = re.compile(r'(?<![.\w])(\w+) =')


def declared_in(text):
    names = {name for names in DECLARED.findall(text) for name in names if name}
    return names.union(*(VALUE.findall(constants) for constants in CONSTANTS.findall(text)))


class Source:
    def __init__(self, path):
        self.path = path
        text = path.read_text()
        self.hidden = set(re.findall(r'^#define (\w+)', text, re.MULTILINE))
        for hidden in ANONYMOUS.findall(text):
            self.hidden |= declared_in(NOISE.sub('', hidden))
        self.names = set(NAME.findall(NOISE.sub('', text)))
        self.headers = {}
        self.include(path)

    def include(self, path):
        """Notes what names stand in the project's headers that this file includes."""
        for name in INCLUDE.findall(path.read_text()):
            header = ROOT / name if (ROOT / name).is_file() else path.parent / name
            if header in self.headers or not header.is_file():
                continue
            self.headers[header] = set(NAME.findall(NOISE.sub('', header.read_text())))
            self.include(header)

    def hides_from(self, other):
        said = [names for header, names in other.headers.items() if header not in self.headers]
        return any(self.hidden & names for names in [other.names] + said)


def main():
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    batches = []
    for source in (Source(pathlib.Path(name).resolve()) for name in sys.argv[3:]):
        batch = next((batch for batch in batches if len(batch) < LARGEST and not any(
            source.hides_from(other) or other.hides_from(source) for other in batch)), None)
        if batch is None:
            batch = []
            batches.append(batch)
        batch.append(source)
    for number, batch in enumerate(batches):
        path = directory / f'{sys.argv[2]}_{number}.cpp'
        text = ''.join(f'#include "{source.path}"\n' for source in batch)
        # What is not changed need not be compiled again.
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        print(path)


main()
