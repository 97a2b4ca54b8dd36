#!/usr/bin/env python3
"""Runs what README.md and doc/tutorial.md tell users to run, as it stands there, on programs that are
compiled and recorded now.   test_readme.py DIRECTORY_OF_TOOLS SOURCE_ROOT COMPILER..."""

import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

from fgread_runner import Tap

TIMEOUT = 300  # cargo builds

RUST_PROGRAM = r"""
#[inline(never)]
fn parse(seed: u64) -> u64 {
    (0..200_000_000u64).fold(seed, |sum, i| sum.rotate_left(5) ^ std::hint::black_box(i))
}
fn main() {
    println!("{}", parse(std::env::args().count() as u64));
}
"""
# Of the tutorial's program, which waits in one and computes in the others; and of the one in Rust.
FUNCTION = re.compile(rb"group|save|parse")
# The line on stderr, and what may differ from one recording to the next.
SUMMARY = re.compile(r"^\d+ samples?: \d+\.\d % [a-z_]+(, \d+\.\d % [a-z_]+)*$")


class Place:
    """A directory in which a reader might type the commands."""

    def __init__(self, tools, root, compiler):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="fgread-readme-"))
        self.environment = dict(os.environ, PATH=f"{tools}:{self.directory}/bin:{os.environ['PATH']}")
        (self.directory / "bin").mkdir()
        # As meson installs it.
        (self.directory / "bin/cargo-fgrecord").symlink_to(pathlib.Path(tools) / "fgrecord")
        source = root / "doc/pictures/orders.cpp"
        for name, options in (("orders", []), ("orders-fast", ["-DFAST"])):
            subprocess.run([*compiler, "-g", "-O2", *options, "-o", self.directory / name, source],
                           check=True)
        for name in ("a", "program"):
            shutil.copy(self.directory / "orders", self.directory / name)

    def run(self, command):
        return subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=self.directory,
                              env=self.environment, stdin=subprocess.DEVNULL, timeout=TIMEOUT,
                              # perf record would take a pipe for its output.
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def has(self, name):
        return shutil.which(name, path=self.environment["PATH"]) is not None

    def can_record(self):
        if not self.has("perf"):
            return "perf is not installed"
        done = self.run("perf record -q -e cpu-clock --call-graph dwarf -o try.data true")
        return "" if done.returncode == 0 else "perf record does not work here"

    def make_cargo_package(self):
        (self.directory / "src/bin").mkdir(parents=True)
        (self.directory / "Cargo.toml").write_text(
            '[package]\nname = "example"\nversion = "0.1.0"\nedition = "2021"\n')
        (self.directory / "src/bin/server.rs").write_text(RUST_PROGRAM)


def names_in(path):
    """The functions that a file the tools wrote shows; an exception if it is not of its format."""
    data = path.read_bytes()
    if path.name.endswith(".svg"):
        xml.etree.ElementTree.fromstring(data)
    elif path.name.endswith(".pb.gz"):
        data = gzip.decompress(data)
    elif path.name.endswith(".json"):
        json.loads(data)
    elif path.name.endswith(".folded"):
        for line in data.splitlines():
            int(line.rpartition(b" ")[2])
    return data


def outputs_of(command):
    """Files that a command line writes."""
    command = command.split(" -- ")[0]
    named = re.findall(r"(?:>|-o)\s+(\S+\.(?:folded|svg|html|pb\.gz|json|script))(?![\w.])", command)
    if named:
        return named
    return ["flamegraph.svg"] if re.match(r"(cargo )?fgrecord", command) else []


def try_command(tap, place, where, command):
    name = f"{where}: {command}"
    outputs = outputs_of(command)
    for output in outputs:
        (place.directory / output).unlink(missing_ok=True)
    done = place.run(command)
    messages = done.stderr.decode(errors="replace")
    if not tap.check(done.returncode == 0, name, messages):
        return messages
    for output in outputs:
        try:
            found = FUNCTION.search(names_in(place.directory / output))
        except (OSError, ValueError, xml.etree.ElementTree.ParseError) as error:
            found, messages = False, str(error)
        tap.check(found, f"{where}: {output} of `{command}` shows the program", messages)
    return messages


def prepare(place):
    """The files that the commands name."""
    for name in ("my.perf.data", "old.perf.data", "new.perf.data"):
        shutil.copy(place.directory / "perf.data", place.directory / name)
    for name in ("a.folded", "b.folded", "before.folded", "after.folded"):
        if (place.directory / "out.folded").exists():
            shutil.copy(place.directory / "out.folded", place.directory / name)


def table_rows(text):
    """Of "today | here", the commands on the right."""
    table = text.split("| today | here |\n|---|---|\n", 1)[1].split("\n\n", 1)[0]
    return [re.findall(r"`([^`]+)`", row.split(" | ")[-1]) for row in table.splitlines()]


def code_blocks(text):
    """Of indented code, each line without what stands behind "#"."""
    for line in text.splitlines():
        if line.startswith("    ") and not line.startswith("     "):
            yield re.split(r"\s+#", line)[0].strip()


def check_readme(tap, place, text, why_not):
    section = text.split("\n## Use\n\n", 1)[1].split("\n\n", 1)[0]
    lines = list(code_blocks(section))
    tap.check(len(lines) > 5, "README has the examples under Use", section)
    rows = table_rows(text)
    tap.check(len(rows) > 5 and all(len(row) == 1 for row in rows),
              "README has the table, a command in each row", rows)
    shape = [line.split("stderr: ")[1].strip() for line in text.splitlines() if "stderr: " in line]
    tap.check(len(shape) == 1 and SUMMARY.match(shape[0]), "README's example of the summary", shape)
    if why_not:
        tap.skip("README's commands", why_not)
        return
    for command in lines:
        messages = try_command(tap, place, "README", command)
        if command.startswith("perf record") and "|" not in command:
            prepare(place)
        elif command == "fgread > out.folded":
            said = messages.strip().splitlines()[-1].removeprefix("fgread: ").split(";")[0]
            tap.check(SUMMARY.match(said), "README: the summary looks as it is shown", messages)
    prepare(place)
    for (command,) in rows:
        if command.startswith("cargo "):
            if not place.has("cargo"):
                tap.skip(f"README: {command}", "cargo is not installed")
                continue
            place.make_cargo_package()
        try_command(tap, place, "README's table", command)


def check_tutorial(tap, place, text, why_not):
    lines = [line for line in code_blocks(text) if re.match(r"(cargo |fg|perf )", line)]
    tap.check(len(lines) > 5, "the tutorial has commands", lines)
    if why_not:
        tap.skip("the tutorial's commands", why_not)
        return
    for command in lines:
        if command.startswith("cargo ") and not place.has("cargo"):
            tap.skip(f"tutorial: {command}", "cargo is not installed")
            continue
        try_command(tap, place, "tutorial", command)


def main(tools, root, *compiler):
    tap = Tap()
    root = pathlib.Path(root).resolve()
    place = Place(tools, root, compiler)
    try:
        why_not = place.can_record()
        check_readme(tap, place, (root / "README.md").read_text(), why_not)
        check_tutorial(tap, place, (root / "doc/tutorial.md").read_text(), why_not)
    finally:
        shutil.rmtree(place.directory, ignore_errors=True)
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
