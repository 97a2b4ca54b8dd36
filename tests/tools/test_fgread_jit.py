#!/usr/bin/env python3
"""fgread and JIT code: perf maps and jitdumps, from the command line.

test_fgread_jit.py FGREAD JIT_WRITER

The last cases record programs with perf; they are skipped where perf cannot, or has no program.
"""

import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys

from fgread_runner import Tap, Tool
from recording import CONTEXT_USER, Recording

PID = 4194305  # no process has it: Linux stops at 2^22
CODE = 0x7F00_0000_0000


def recording_of(addresses, dump=None, local=False):
    """One sample at each of `addresses`, in memory that a JIT could have made."""
    recording = Recording(local=local)
    recording.comm(PID, "jit", exec_=True)
    recording.mmap(PID, "//anon", CODE, 0x10000)
    recording.mmap(PID, "[vsyscall]", 0xFFFFFFFFFF600000, 0x1000)
    if dump:
        recording.mmap(PID, dump, CODE - 0x10000, 0x1000)
    for address in addresses:
        recording.sample(PID, [CONTEXT_USER, address])
    return recording


def jitdump(loads):
    data = struct.pack("<IIIIIIQQ", 0x4A695444, 1, 40, 62, 0, PID, 1, 0)
    for index, (time, address, size, name) in enumerate(loads):
        body = struct.pack("<IIQQQQ", PID, PID, address, address, size, index)
        body += name.encode() + b"\0" + bytes(size)
        data += struct.pack("<IIQ", 0, 16 + len(body), time) + body
    return data


def check_maps(tap, fgread):
    directory = fgread.file("maps")
    directory.mkdir()
    (directory / f"perf-{PID}.map").write_text(
        f"{CODE:x} 100 JS:*fib /tmp/a b.js:1:13\n"
        f"{CODE + 0x100:x} 100 old\n"
        f"{CODE + 0x100:x} 80 py::run;now:/x.py\n"
        f"{CODE + 0x200:x} 10 esc\x1b[31mape\n")
    path = recording_of([CODE + 8, CODE + 0x108, CODE + 0x188, CODE + 0x208, CODE + 0x400,
                         0xFFFFFFFFFF600000]).write(fgread.file("maps.data"))
    run = fgread("--perf-map-dir", directory, path)
    tap.check(run.out == b"jit;JS:*fib /tmp/a b.js:1:13 1\njit;[anon] 1\njit;[vsyscall] 1\n"
              b"jit;esc\\x1b[31mape 1\njit;old 1\njit;py::run:now:/x.py 1\n",
              "names of a perf map are folded, escaped, the last line first", run)
    tap.check("JIT code" not in run.err, "nothing to say where a map is used", run)
    run = fgread(path)
    tap.check(run.out == b"jit;[anon] 5\njit;[vsyscall] 1\n",
              "without a map there are no names", run)
    tap.check("//anon: JIT code without names (5 samples)" in run.err
              and "--perf-basic-prof" in run.err, "which is said, with what to do", run)
    run = fgread("--perf-map-dir", fgread.file("absent"), path)
    tap.check(run.status == 2, "a directory that is not there is wrong usage", run)


def check_temporary_directory(tap, fgread):
    """The one place outside of the test's directory that is looked at: by a name nobody has."""
    name = f"/tmp/perf-{PID}.map"
    if os.path.lexists(name):
        tap.check(False, f"{name} is in the way")
        return
    try:
        with open(name, "x", encoding="ascii") as file:
            file.write(f"{CODE:x} 100 found\n")
        run = fgread(recording_of([CODE + 8], local=True).write(fgread.file("local.data")))
        tap.check(run.out == b"jit;found 1\n", "/tmp serves recordings of this machine", run)
        run = fgread(recording_of([CODE + 8]).write(fgread.file("foreign.data")))
        tap.check(run.out == b"jit;[anon] 1\n", "/tmp does not serve another machine's", run)
    finally:
        os.unlink(name)


def check_dumps(tap, fgread):
    directory = fgread.file("dumps")
    directory.mkdir()
    dump = directory / f"jit-{PID}.dump"
    dump.write_bytes(jitdump([(1, CODE, 0x40, "first"), (2500, CODE, 0x20, "second")]) + b"cut")
    path = recording_of([CODE + 8, CODE + 0x28], str(dump)).write(fgread.file("dump.data"))
    run = fgread("--perf-map-dir", directory, "--stats=json", "--stats-file", "stats", path)
    tap.check(run.out == b"jit;first 1\njit;second 1\n", "names of a jitdump are folded", run)
    tap.check("perf record -k mono" in run.err, "a recording of another clock is said", run)
    tap.check(f"{dump}: malformed lines or records; 1 skipped" in run.err,
              "what makes no sense is said", run)
    stats = json.loads(fgread.file("stats").read_text())
    states = {module["path"]: module["state"] for module in stats["modules"]}
    tap.check(states.get(str(dump)) == "generated", "its module is generated code", run)
    dump.write_bytes(b"something else")
    run = fgread("--perf-map-dir", directory, path)
    tap.check(run.out == b"jit;[anon] 2\n" and "not a jitdump file" in run.err,
              "a file that is no jitdump gives no names, and is said", run)
    dump.unlink()
    os.mkfifo(dump)
    run = fgread("--perf-map-dir", directory, path)
    tap.check(run.out == b"jit;[anon] 2\n" and "not a regular file" in run.err,
              "a FIFO in its place is not opened", run)


def record(fgread, name, *command):
    """The recording's path, or the reason why there is none."""
    path = fgread.file(name)
    wanted = ["perf", "record", "-N", "-q", "-k", "mono", "-e", "cpu-clock", "-F", "999",
              "--call-graph", "dwarf", "-o", path, "--", *command]
    if not shutil.which("perf"):
        return None, "no perf"
    done = subprocess.run(wanted, cwd=fgread.directory, capture_output=True, timeout=120)
    if done.returncode != 0 or not path.exists():
        return None, "cannot record: " + " ".join(done.stderr.decode().split())[:120]
    return path, ""


def check_writer(tap, fgread, writer):
    """Two functions at one address, with unwind information: by name, time and caller."""
    path, why = record(fgread, "writer.data", writer, ".")
    if not path:
        tap.skip("a jitdump of a running program", why)
        return
    run = fgread(path)
    stacks = {name: sum(weight for stack, weight in run.weights.items()
                        if stack.endswith(f"main;run_jitted;{name}"))
              for name in ("jitted_first", "jitted_second")}
    tap.check(all(weight > 0.3 * run.total for weight in stacks.values()),
              "functions at one address are told apart by time, and unwound to their caller",
              f"{stacks}\n{run}")
    injected = fgread.file("injected.data")
    subprocess.run(["perf", "inject", "-j", "-i", path, "-o", injected], cwd=fgread.directory,
                   stdout=subprocess.DEVNULL, check=True, timeout=120)
    other = fgread(injected)
    tap.equal(run.out.decode(), other.out.decode(), "as after perf inject -j")


def check_node(tap, fgread):
    node = shutil.which("node")
    if not node:
        tap.skip("node --perf-basic-prof", "no node")
        return
    fgread.write("fib.js", b"function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }\n"
                           b"const start = process.cpuUsage();\n"
                           b"while (process.cpuUsage(start).user < 300000) fib(20);\n")
    path, why = record(fgread, "node.data", "sh", "-c",
                       f"echo $$ > pid; exec {node} --perf-basic-prof fib.js")
    if not path:
        tap.skip("node --perf-basic-prof", why)
        return
    run = fgread(path)
    # By time on the processor, and in whichever compiler's code: load changes neither.
    fib = sum(weight for stack, weight in run.weights.items() if re.search("JS:.?fib ", stack))
    tap.check(fib > 100_000_000, "node --perf-basic-prof: its functions have names", run)
    pid = fgread.file("pid").read_text().strip()
    pathlib.Path(f"/tmp/perf-{pid}.map").unlink(missing_ok=True)


def main(path, writer):
    tap = Tap()
    fgread = Tool(path)
    for check in (check_maps, check_temporary_directory, check_dumps):
        check(tap, fgread)
    check_writer(tap, fgread, writer)
    check_node(tap, fgread)
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]).resolve())
