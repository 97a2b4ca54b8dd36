#!/usr/bin/env python3
"""The same recording from a file, standard input, a pipe, a FIFO, packed or not.

    test_fgread_streams.py FGREAD FGDUMP FIXTURES
"""

import gzip
import lzma
import os
import pathlib
import subprocess
import sys
import threading

from fgread_runner import Tap, Tool
from recording import CONTEXT_USER, Event, Recording


def recorded():
    recording = Recording([Event(), Event("page-faults", identifier=2)])
    recording.build_ids.append(("/nonexistent/prog", "ab" * 20, 2))
    recording.comm(7, "prog", exec_=True).mmap(7, "/nonexistent/prog", 0x400000, 0x10000)
    for i in range(60):
        recording.sample(7, [CONTEXT_USER, 0x401000 + i % 9, 0x402000], period=1 + i)
        if i % 10 == 9:
            recording.finished_round()
    return recording.bytes()


def through_fifo(fgread, data):
    path = fgread.file("stream")
    os.mkfifo(path)

    def write():
        with open(path, "wb") as fifo:
            try:
                for at in range(0, len(data), 1000):
                    fifo.write(data[at:at + 1000])
            except BrokenPipeError:
                pass

    writer = threading.Thread(target=write)
    writer.start()
    run = fgread(path)
    writer.join()
    path.unlink()
    return run


def check_places(tap, fgread, name, data, status=0):
    path = fgread.write("recording", data)
    expected = fgread(path)
    # Status 3 with nothing before the damage has an empty output, the same from everywhere.
    tap.check(expected.status == status and (expected.out or status), f"{name}: folded", expected)
    with open(path, "rb") as opened:
        runs = {"standard input, a file": fgread("-", stdin=opened),
                "standard input, a pipe": fgread("-", input=data),
                "one thread": fgread("-", "-j1", input=data),
                "a FIFO": through_fifo(fgread, data)}
    for packing, pack in {"gzip": gzip.compress, "xz": lzma.compress}.items():
        if status == 0:
            runs[f"packed by {packing}"] = fgread(fgread.write("packed", pack(data)))
            runs[f"packed by {packing}, a pipe"] = fgread("-", input=pack(data))
    for place, run in runs.items():
        tap.check(run.status == status and run.out == expected.out,
                  f"{name}: {place} gives the same", run)


def check_messages(tap, fgread, data):
    run = fgread("-")
    tap.check(run.status == 1 and "standard input" in run.err and "empty" in run.err,
              "an empty standard input is named", run)
    text = fgread("-", input=b"prog;main 12\n" * 10)
    tap.check(text.status == 1 and "not a recording" in text.err, "text is refused", text)
    packed = gzip.compress(data)
    cut = fgread("-", input=packed[:len(packed) // 2])
    tap.check(cut.status in (1, 3) and "cannot be unpacked" in cut.err,
              "a packed recording that is cut says so", cut)


def check_live(tap, fgread):
    """perf record -o - ... | fgread -"""
    command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "999", "--call-graph", "dwarf",
               "-o", "-", "--", sys.executable, "-c", "sum(i * i for i in range(3000000))"]
    for options in ([], ["-z"]):
        try:
            with subprocess.Popen(command[:2] + options + command[2:], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL) as perf:
                run = fgread("-", stdin=perf.stdout)
            recorded_well = perf.returncode == 0
        except OSError:
            recorded_well = False
        if not recorded_well:
            tap.skip("a live pipe" + " -z" * bool(options), "perf cannot record here")
            continue
        tap.check(run.status == 0 and run.total > 0, f"a live pipe {' '.join(options)}", run)


def check_summary(tap, fgdump, fixtures):
    path = fixtures / "public" / "lpd-sleep.compressed.pipe.data"
    run = fgdump("--summary", path)
    counts = {line.split()[0]: line.split()[1] for line in run.lines}
    tap.check(run.status == 0 and counts.get("SAMPLE") == "8" and "event" not in counts,
              "fgdump --summary counts by type", run)
    with open(path, "rb") as opened:
        tap.check(fgdump("--summary", "-", stdin=opened).out == run.out,
                  "fgdump reads standard input")


def main(fgread, fgdump, fixtures):
    tap = Tap()
    fgread, fixtures = Tool(fgread), pathlib.Path(fixtures)
    data = recorded()
    check_places(tap, fgread, "a file's format", data)
    for path in sorted((fixtures / "public").glob("*.data")):
        status = 3 if "corrupted" in path.name else 0
        check_places(tap, fgread, path.name, path.read_bytes(), status)
    pipe = (fixtures / "public" / "q-piped.target.throttled-3.4.data").read_bytes()
    check_places(tap, fgread, "text behind a stream", pipe + b"[ perf record: Woken up ]\n", 3)
    check_messages(tap, fgread, data)
    check_live(tap, fgread)
    check_summary(tap, Tool(fgdump), fixtures)
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
