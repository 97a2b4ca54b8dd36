#!/usr/bin/env python3
"""Puts source files together that can be compiled as one, and prints the files that include them.

    batches.py DIRECTORY NAME SOURCE...

For the sanitizer builds: templates that many files use are instantiated, instrumented and optimised once
a batch. The other builds compile each file alone. Two files are not put together if what one has in an
anonymous namespace is the name of anything in the other: then nobody has to think of it who names things.
"""

import pathlib
import re
import sys

# Larger batches gain little more, and a change in one file compiles all of its batch.
LARGEST = 8

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOISE = re.compile(
    r'R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL)
TOKEN = re.compile(r"[A-Za-z_]\w*|[0-9][\w']*|::|->|\S")
INCLUDE = re.compile(r'^\s*#include "([^"]+)"', re.MULTILINE)
NAME = re.compile(r'[A-Za-z_]')
KEYWORDS = {'const', 'constexpr', 'class', 'struct', 'enum', 'using', 'namespace', 'template', 'typename',
            'operator', 'return', 'if', 'for', 'while', 'switch', 'sizeof', 'auto', 'bool', 'int', 'unsigned',
            'void', 'char', 'double', 'static_assert', 'decltype', 'noexcept'}


class Source:
    """What a file says, and what the project's headers say that it includes."""

    def __init__(self, path):
        self.path = path
        text = path.read_text()
        tokens = TOKEN.findall(NOISE.sub(' "" ', text))
        self.functions, self.others = hidden_names(tokens)
        self.others |= set(re.findall(r'^\s*#define (\w+)', text, re.MULTILINE))
        self.used = plain_names(tokens)
        self.called = called_names(tokens) | self.functions | self.others
        self.headers = included(path, text)


def plain_names(tokens):
    """Names that are not looked for in something: not b of a.b, a->b, a::b."""
    return {token for before, token in zip([''] + tokens, tokens)
            if NAME.match(token) and before not in ('.', '->', '::')} - KEYWORDS


def called_names(tokens):
    return {token for token, following in zip(tokens, tokens[1:]) if following in ('(', '<')} & plain_names(tokens)


def hidden_names(tokens):
    """What is declared in anonymous namespaces, and perhaps a little more: functions, all else."""
    functions, others = set(), set()
    position = 0
    while position + 1 < len(tokens):
        if tokens[position] == 'namespace' and tokens[position + 1] == '{':
            position = read_namespace(tokens, position + 2, functions, others)
        position += 1
    return functions - KEYWORDS, others - KEYWORDS


def read_namespace(tokens, position, functions, others):
    """Adds the names declared until the namespace ends; returns where that is."""
    depth = angles = 0
    initializing = False
    while position + 1 < len(tokens):
        token, following = tokens[position], tokens[position + 1]
        if token == '}' and depth == 0:
            return position
        if depth == 0 and token in ('class', 'struct', 'enum', 'namespace'):
            position = read_head(tokens, position, others)
            continue
        if token in '({[':
            depth += 1
        elif token in ')}]':
            depth -= 1
            initializing = initializing and not (token == '}' and following != ';')
        elif depth == 0 and token in ',;':
            initializing = False
            angles = 0 if token == ';' else angles
        elif depth == 0 and token == '=':
            initializing = True
        elif depth == 0 and not initializing and token in '<>':
            angles += 1 if token == '<' else -1
        elif depth == 0 and angles == 0 and not initializing and NAME.match(token) and following in '=({[;,:':
            (functions if following == '(' else others).add(token)
        position += 1
    return position


def read_head(tokens, position, others):
    """Of a class; returns where its members begin, or it ends. Another name for a namespace is no name."""
    name = tokens[position + 2] if tokens[position + 1] in ('class', 'struct') else tokens[position + 1]
    if NAME.match(name) and tokens[position] != 'namespace':
        others.add(name)
    while position + 1 < len(tokens) and tokens[position] not in ('{', ';'):
        position += 1
    return position


def included(path, text, found=None):
    """The project's headers that a file includes, and what these include."""
    found = {} if found is None else found
    for name in INCLUDE.findall(text):
        header = next((place for place in (path.parent / name, ROOT / name, ROOT / 'tests' / name)
                       if place.is_file()), None)
        if header is None or header.resolve() in found:
            continue
        header = header.resolve()
        text_of_header = header.read_text()
        tokens = TOKEN.findall(NOISE.sub(' "" ', text_of_header))
        found[header] = (called_names(tokens), plain_names(tokens))
        included(header, text_of_header, found)
    return found


def hides(first, second):
    """Whether a name that the first file keeps to itself means something in the second."""
    said = [(second.called, second.used)]
    said += [names for header, names in second.headers.items() if header not in first.headers]
    # A variable may have the name of a function.
    return any(first.functions & called or first.others & used for called, used in said)


def main():
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    batches = []
    for source in (Source(pathlib.Path(name).resolve()) for name in sys.argv[3:]):
        batch = next((batch for batch in batches if len(batch) < LARGEST and not any(
            hides(source, other) or hides(other, source) for other in batch)), None)
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
