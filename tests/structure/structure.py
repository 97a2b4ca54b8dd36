#!/usr/bin/env python3
"""Rules of the source tree that no compiler checks.   structure.py SOURCE_ROOT"""

import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap  # noqa: E402

# A folder may include from itself and from those before it.
FOLDERS = ["perfdata", "unwind", "symbols", "render", "collapse", "tools"]
LIBRARY_FOLDERS = FOLDERS[:-1]
CODE_FOLDERS = FOLDERS + ["tests", "examples", "bench"]
MAX_LINES = 600
MAX_EXAMPLE_LINES = 40

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.M)
ELF_LIBRARIES = re.compile(r"^(elfutils/|libelf|gelf|dwarf\.h|elf\.h|libdw)")
HIDDEN_LIBRARIES = re.compile(r"^(elfutils/|libelf|gelf|capstone/|zstd|lzma|libiberty/)")
SPEAKING = re.compile(
    r"\b(?:std::)?(?:printf|fprintf|vprintf|vfprintf|puts|perror|abort|terminate|_exit|_Exit|"
    r"quick_exit)\s*\(|(?<![\w.:>])(?:std::)?exit\s*\(|\bstd::(?:cerr|cout|clog)\b|"
    r"\bfmt::print\s*\(|\bthrow\b")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
COMMENT_OR_STRING = re.compile(
    r'R"(?P<tag>[^()\s]*)\(.*?\)(?P=tag)"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'
    r"(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'", re.S)


def bare_code(text):
    """`text` without comments and literals; lines keep their numbers."""
    return COMMENT_OR_STRING.sub(lambda match: "\n" * match[0].count("\n"), text)


class Tree:
    def __init__(self, root):
        self.root = root

    def files(self, folders, *suffixes):
        for folder in folders:
            for path in sorted((self.root / folder).rglob("*")):
                if path.suffix in suffixes and path.is_file():
                    yield path

    def code(self, folders=CODE_FOLDERS):
        return self.files(folders, ".h", ".cpp")

    def name(self, path):
        return str(path.relative_to(self.root))

    def matches(self, folders, pattern):
        """Where `pattern` occurs in code, as file:line: text."""
        for path in self.code(folders):
            for number, line in enumerate(bare_code(path.read_text()).splitlines(), 1):
                if pattern.search(line):
                    yield f"{self.name(path)}:{number}: {line.strip()}"

    def text_files(self):
        """What is written by hand: everything but data and what git ignores."""
        suffixes = (".h", ".cpp", ".c", ".rs", ".py", ".sh", ".md", ".build", ".txt", "")
        for path in sorted(self.root.rglob("*")):
            parts = path.relative_to(self.root).parts
            if parts[0] in (".git", "LICENSE") or parts[0].startswith("build"):
                continue
            if "corpus" in parts or "symfs" in parts or "__pycache__" in parts:
                continue
            if path.suffix not in suffixes or not path.is_file():
                continue
            if path.suffix == "" and not path.read_bytes()[:2] == b"#!":
                continue
            yield path


def forbidden_includes(tree):
    for index, folder in enumerate(FOLDERS):
        later = FOLDERS[index + 1:]
        for path in tree.code([folder]):
            for include in INCLUDE.findall(path.read_text()):
                if include.split("/")[0] in later + ["tests", "bench", "examples"]:
                    yield f"{tree.name(path)} includes {include}"


def beside_the_row(tree):
    """render/ draws stacks from anywhere: of the folders before it, it may know perfdata only."""
    for path in tree.code(["render"]):
        for include in INCLUDE.findall(path.read_text()):
            if include.split("/")[0] in ("unwind", "symbols"):
                yield f"{tree.name(path)} includes {include}"


def elf_in_the_lower_folders(tree):
    for path in tree.code(["perfdata", "unwind"]):
        for include in INCLUDE.findall(path.read_text()):
            if ELF_LIBRARIES.search(include):
                yield f"{tree.name(path)} includes {include}"


def libraries_in_headers(tree):
    """Headers that are installed must not need more than the standard library."""
    listed = set()
    for build in tree.files(LIBRARY_FOLDERS, ".build"):
        listed |= {build.parent / name for name in re.findall(r"'([^']+\.h)'", build.read_text())}
    for path in sorted(listed):
        if not path.is_file():
            yield f"{tree.name(path)} is listed and missing"
            continue
        for include in INCLUDE.findall(path.read_text()):
            if HIDDEN_LIBRARIES.search(include):
                yield f"{tree.name(path)} includes {include}"


def bad_whitespace(tree):
    for path in tree.text_files():
        text = path.read_text(errors="replace")
        if text and not text.endswith("\n"):
            yield f"{tree.name(path)}: no newline at the end"
        is_makefile = str(tree.name(path)) == "debian/rules"  # whose recipes begin with a tab
        for number, line in enumerate(text.splitlines(), 1):
            if is_makefile and line.startswith("\t"):
                line = line[1:]
            if "\t" in line or "\r" in line or line != line.rstrip():
                yield f"{tree.name(path)}:{number}: tab or blank at the end"


def long_files(tree):
    for path in tree.code():
        lines = len(path.read_text().splitlines())
        limit = MAX_EXAMPLE_LINES if path.parent == tree.root / "examples" else MAX_LINES
        if lines > limit:
            yield f"{tree.name(path)}: {lines} lines, at most {limit}"


def unguarded_headers(tree):
    for path in tree.files(CODE_FOLDERS, ".h"):
        if "#pragma once" not in path.read_text():
            yield tree.name(path)


def unfinished(tree):
    for path in tree.code():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if UNFINISHED.search(line):
                yield f"{tree.name(path)}:{number}: {line.strip()}"


def unsorted_lists(tree):
    """The files('...') lists of meson are in alphabetical order."""
    for build in tree.files(LIBRARY_FOLDERS, ".build"):
        for body in re.findall(r"files\(([^)]*)\)", build.read_text()):
            names = re.findall(r"'([^']+)'", body)
            if names != sorted(names):
                yield f"{tree.name(build)}: {names}"


def format_differences(tree, clang_format):
    paths = [str(path) for path in tree.code()]
    done = subprocess.run([clang_format, "--dry-run", "--ferror-limit=1", *paths],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in done.stdout.splitlines():
        if "warning:" in line or "error:" in line:
            yield line.replace(str(tree.root) + "/", "")


def main(root):
    tree = Tree(pathlib.Path(root).resolve())
    tap = Tap()

    def none(name, problems):
        problems = list(problems)
        tap.check(not problems, name, "\n".join(problems[:40]))

    none("folders include only from the folders below them", forbidden_includes(tree))
    none("render knows nothing of unwinding and symbols", beside_the_row(tree))
    none("perfdata and unwind know no ELF library", elf_in_the_lower_folders(tree))
    none("installed headers need only the standard library", libraries_in_headers(tree))
    none("the library neither prints nor aborts nor throws",
         tree.matches(LIBRARY_FOLDERS, SPEAKING))
    none("no reinterpret_cast", tree.matches(FOLDERS, re.compile(r"\breinterpret_cast\b")))
    none("no tab, no blank at the end of a line", bad_whitespace(tree))
    none(f"no file is longer than {MAX_LINES} lines, no example than {MAX_EXAMPLE_LINES}",
         long_files(tree))
    none("every header has #pragma once", unguarded_headers(tree))
    none("nothing is left unfinished", unfinished(tree))
    none("lists of files are sorted", unsorted_lists(tree))
    clang_format = shutil.which("clang-format-14")
    if clang_format:
        none("clang-format has nothing to change", format_differences(tree, clang_format))
    else:
        tap.skip("clang-format has nothing to change", "no clang-format-14")
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1])
