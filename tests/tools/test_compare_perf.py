#!/usr/bin/env python3
"""Records programs now and holds every stack against perf script's, see compare_perf.py.

    test_compare_perf.py SOURCE_ROOT FGDUMP

Compilers are there because they are large, real programs: cc1plus, and rustc with LLVM.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import compare_perf  # noqa: E402
from tap import Tap  # noqa: E402

RECORD = ["perf", "record", "-N", "-q"]
ON_CPU = ["-e", "cpu-clock", "-F", "1999", "--call-graph", "dwarf"]
# Sleeping programs are seen when they leave the CPU, compilers have deep stacks.
OFF_CPU = ["-e", "context-switches", "-c", "1", "--call-graph", "dwarf"]
DEEP = ["-e", "cpu-clock", "-F", "597", "--call-graph", "dwarf,32768"]
MIN_JUDGED = 20
PYTHON_LOAD = ("import re, json\n"
               "def f(n): return n if n < 2 else f(n - 1) + f(n - 2)\n"
               "f(25)\n"
               "for i in range(60): re.sub('[aeiou]+', '-', json.dumps(list(range(20000))))\n")


def record(recording, options, command):
    done = subprocess.run([*RECORD, *options, "-o", recording, "--", *map(str, command)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode == 0 and recording.is_file(), done.stdout


def commands(root, programs):
    """Name -> options of perf record, command; the command is None where a tool is missing."""
    sources = root / "fixtures" / "programs"
    rustc = shutil.which("rustc")

    def rust(program, *arguments):
        return [programs / program, *arguments] if rustc else None

    return {
        "cpp_threads": (ON_CPU, [programs / "cpp_threads", programs / "libplugin.so", "120"]),
        "rust_sleep": (OFF_CPU, rust("rust_sleep", "10")),
        "rust_fib": (ON_CPU, rust("rust_fib", "39")),
        "rust_vec": (ON_CPU, rust("rust_vec", "1000")),
        "cc1plus": (DEEP, ["g++", "-std=c++20", "-O2", "-S", "-o", programs / "x.s",
                           sources / "cpp_threads.cpp"]),
        "rustc": (DEEP, [rustc, "-O", "--emit=obj", "-o", programs / "x.o",
                         sources / "rust_vec.rs"] if rustc else None),
        "python3": (ON_CPU, ["/usr/bin/python3", "-c", PYTHON_LOAD]),
    }


def check(tap, fgdump, name, options, command, folder):
    recording = folder / f"{name}.perf.data"
    recorded, output = record(recording, options, command)
    if not tap.check(recorded, f"{name}: recorded", output):
        return
    result = compare_perf.compare(fgdump, recording)
    print(f"# {name}: {result.summary()}")
    tap.check(result.missing == 0, f"{name}: no sample is missing", result.summary())
    if result.judged < MIN_JUDGED:
        tap.skip(f"{name}: the same stacks as perf", f"perf completed only {result.judged}")
        return
    tap.check(result.good(), f"{name}: the same stacks as perf",
              result.summary() + "\n" + result.details(8))


def main(root, fgdump):
    root = pathlib.Path(root).resolve()
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="fgread-compare-") as temporary:
        folder = pathlib.Path(temporary)
        allowed, output = (False, "no perf")
        if shutil.which("perf"):
            allowed, output = record(folder / "try.perf.data", ON_CPU, ["true"])
        if not allowed:
            tap.skip("stacks equal those of perf script",
                     "cannot record: " + " ".join(output.split())[:120])
            tap.finish()
        subprocess.run([root / "fixtures" / "programs" / "build", folder / "programs"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for name, (options, command) in commands(root, folder / "programs").items():
            if command is None:
                tap.skip(f"{name}: the same stacks as perf", "no rustc")
            else:
                check(tap, fgdump, name, options, command, folder)
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
