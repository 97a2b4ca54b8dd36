#!/usr/bin/env python3
"""Every header of the library compiles alone.   headers.py SOURCE_ROOT COMPILER..."""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap  # noqa: E402

FOLDERS = ["perfdata", "unwind", "symbols", "collapse"]
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-fsyntax-only",
         "-x", "c++", "-"]


def compile_alone(compiler, root, header):
    # Twice, to see that the second time changes nothing.
    source = f'#include "{header}"\n#include "{header}"\n'
    done = subprocess.run([*compiler, "-I", str(root), *FLAGS], input=source, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode == 0, done.stdout


def main(root, compiler):
    root = pathlib.Path(root).resolve()
    headers = [str(path.relative_to(root))
               for folder in FOLDERS for path in sorted((root / folder).rglob("*.h"))]
    tap = Tap()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda header: compile_alone(compiler, root, header), headers)
        for header, (passed, output) in zip(headers, results):
            tap.check(passed, f"{header} compiles alone", output)
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
