#!/usr/bin/env python3
"""Every public header compiles alone.   headers.py SOURCE_ROOT HEADER... -- COMPILER...

Of a header that its own source file includes before all others, the build has shown that.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap  # noqa: E402

FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-fsyntax-only",
         "-x", "c++", "-"]


def comes_first_in_its_source(root, header):
    source = (root / header).with_suffix(".cpp")
    if not source.is_file():
        return False
    included = [line for line in source.read_text().splitlines() if line.startswith("#include")]
    return included[0] == f'#include "{header}"'


def check_alone(compiler, root, header):
    if not comes_first_in_its_source(root, header):
        return compile_alone(compiler, root, header)
    return "#pragma once" in (root / header).read_text().splitlines(), "has no #pragma once"


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
        results = pool.map(lambda header: check_alone(compiler, root, header), headers)
        for header, (passed, output) in zip(headers, results):
            tap.check(passed, f"{header} compiles alone", output)
    tap.finish()


if __name__ == "__main__":
    separator = sys.argv.index("--")
    main(sys.argv[1], sys.argv[2:separator], sys.argv[separator + 1:])
