#!/usr/bin/env python3
"""Installs the library somewhere, compiles the examples against what was installed, runs them.

    install_test.py SOURCE_ROOT BUILD_DIR COMPILER...
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap  # noqa: E402

FIXTURE = "fixtures/cpp_threads"


def run(command, **options):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=300, **options)
    return done.returncode, done.stdout


class Installed:
    """A copy of the library under a prefix that exists only for this test."""

    def __init__(self, build, destination):
        self.status, self.output = run(["meson", "install", "-C", build, "--no-rebuild", "--destdir",
                                        destination])
        files = sorted(pathlib.Path(destination).rglob("fgread.pc"))
        self.pc = files[0] if files else None
        if self.pc:
            self.library = self.pc.parent.parent
            prefix = re.search(r"^prefix=(.*)$", self.pc.read_text(), re.M)[1]
            self.prefix = pathlib.Path(destination) / prefix.lstrip("/")

    def flags(self, *options):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(self.pc.parent)}
        status, output = run(["pkg-config", f"--define-variable=prefix={self.prefix}", *options,
                              "fgread"], env=environment)
        return output.split() if status == 0 else []

    def headers(self):
        root = self.prefix / "include" / "fgread"
        return [str(path.relative_to(root)) for path in sorted(root.rglob("*.h"))]

    def environment(self):
        return {**os.environ, "LD_LIBRARY_PATH": str(self.library)}


def check_headers(tap, installed, compiler, folder):
    headers = installed.headers()
    tap.check(len(headers) > 10, "headers are installed", headers)
    source = folder / "headers.cpp"
    source.write_text("".join(f'#include "{header}"\n' for header in headers) + "int main() {}\n")
    status, output = run([*compiler, "-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                          *installed.flags("--cflags"), source])
    tap.check(status == 0, "installed headers include nothing that is not installed", output)


def examples(root):
    """Name -> arguments, what the output must hold, and the least number of its lines."""
    recording = root / FIXTURE / "perf.data"
    program = root / FIXTURE / "symfs/tmp/fgread-fixtures/cpp_threads"
    _, symbols = run(["nm", program])
    address = re.search(r"^([0-9a-f]+) T main$", symbols, re.M)[1]
    return {
        "count_processes": ([recording], r"cpp_threads", 1),
        "print_stacks": ([recording], r"  thread \d+: .+", 20),
        "symbolize_addresses": ([program, "0x" + address], r"\bmain\b", 1),
        "unwind_own_stack": ([], r"0x", 2),
    }


def check_example(tap, root, installed, compiler, folder, name, expectation):
    arguments, pattern, lines = expectation
    source = root / "examples" / f"{name}.cpp"
    if not tap.check(source.is_file(), f"{name}: is there"):
        return
    # Frame pointers, as the example that unwinds itself starts from one.
    status, output = run([*compiler, "-std=c++20", "-O1", "-fno-omit-frame-pointer", source,
                          *installed.flags("--cflags", "--libs"), "-o", folder / name])
    if not tap.check(status == 0, f"{name}: compiles against the installed library", output):
        return
    status, output = run([folder / name, *arguments], env=installed.environment())
    good = status == 0 and re.search(pattern, output) and len(output.splitlines()) >= lines
    tap.check(good, f"{name}: runs", f"status {status}\n{output[:2000]}")


def check_tools(tap, root, installed):
    for tool in ("fgread", "fgdump", "fgrender", "fgdiff", "fgrecord",
                 "cargo-fgrecord"):
        status, output = run([installed.prefix / "bin" / tool, "--version"])
        tap.check(status == 0 and re.search(r"\d+\.\d+", output), f"installed {tool} runs", output)
        share = installed.prefix / "share"
        files = [share / "man/man1" / f"{tool}.1", share / "zsh/site-functions" / f"_{tool}",
                 share / "bash-completion/completions" / tool,
                 share / "fish/vendor_completions.d" / f"{tool}.fish"]
        tap.check(all(file.is_file() for file in files), f"{tool}: man page and completions", files)


def main(root, build, compiler):
    root = pathlib.Path(root).resolve()
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="fgread-install-") as temporary:
        folder = pathlib.Path(temporary)
        installed = Installed(build, folder / "root")
        if not tap.check(installed.status == 0 and installed.pc, "meson install",
                         installed.output):
            tap.finish()
        check_headers(tap, installed, compiler, folder)
        for name, expectation in examples(root).items():
            check_example(tap, root, installed, compiler, folder, name, expectation)
        check_tools(tap, root, installed)
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
