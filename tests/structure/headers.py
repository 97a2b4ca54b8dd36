#!/usr/bin/env python3
"""Every public header compiles alone.   headers.py SOURCE_ROOT HEADER... -- COMPILER..."""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap  # noqa: E402

FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-fsyntax-only",
         "-x", "c++", "-"]


def compile_alone(compiler, root, header):
    # Twice, to see that the second time changes nothing.
    source = f'#include "{header}"\n#include "{header}"\n'
    done = subprocess.run([*compiler, "-I", str(root), *FLAGS], input=source, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode == 0, done.stdout


def main(root, headers, compiler):
    root = pathlib.Path(root).resolve()
    headers = sorted(str(pathlib.Path(header).resolve().relative_to(root)) for header in headers)
    tap = Tap()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda header: compile_alone(compiler, root, header), headers)
        for header, (passed, output) in zip(headers, results):
            tap.check(passed, f"{header} compiles alone", output)
    tap.finish()


if __name__ == "__main__":
    separator = sys.argv.index("--")
    main(sys.argv[1], sys.argv[2:separator], sys.argv[separator + 1:])
