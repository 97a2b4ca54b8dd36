#!/usr/bin/env python3
"""fgread on what is no recording, or a damaged one.   test_fgread_bad_input.py FGREAD"""

import json
import os
import random
import socket
import struct
import sys
import time

from fgread_runner import Tap, Tool, died, nobody
from recording import (CONTEXT_KERNEL, CONTEXT_USER, HEADER_SIZE, KERNEL, SAMPLE, Event,
                       Recording)

# Bytes from the start of a sample: after header, identifier, ip, pid and tid, time.
PERIOD_AT = 40
CHAIN_AT = 48
KERNEL_TEXT = 0xffffffff81000000


def rich():
    """Two events (samples of the first only), side-band, rounds, build-ids; no weight twice."""
    recording = Recording([Event(), Event("page-faults", identifier=2)])
    recording.build_ids.append(("/nonexistent/prog", "ab" * 20, 2))
    recording.comm(7, "prog", exec_=True).mmap(7, "/nonexistent/prog", 0x400000, 0x10000)
    recording.fork(8, 7).comm(8, "child")
    for i in range(60):
        recording.sample(7 + i % 2, [CONTEXT_USER, 0x401000 + i, 0x402000], period=1 + i)
        if i % 10 == 9:
            recording.finished_round()
    return recording


def sample_weights(recording, end):
    """Sum of the periods of all samples that lie whole before file offset `end`."""
    total = 0
    for at, record in recording.record_ends():
        kind, _, size = struct.unpack_from("<IHH", record)
        if at <= end and kind == SAMPLE:
            total += struct.unpack_from("<Q", record, PERIOD_AT)[0]
    return total


def check_no_recording(tap, fgread):
    directory = fgread.file("directory")
    directory.mkdir()
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(fgread.file("socket")))
    cases = {
        "an empty file": fgread.write("empty", b""),
        "one byte": fgread.write("byte", b"P"),
        "a text file": fgread.write("text", b"prog;main;work 12\n" * 100),
        "an ELF file": fgread.path,
        "zeros": fgread.write("zeros", b"\0" * 4096),
        "random bytes": fgread.write("random", random.Random(1).randbytes(4096)),
        "the magic alone": fgread.write("magic", b"PERFILE2"),
        "the magic of old files": fgread.write("old", b"PERFFILE" + b"\0" * 200),
        "the magic and zeros": fgread.write("magic0", b"PERFILE2" + b"\0" * 4088),
        "the magic and ones": fgread.write("magic1", b"PERFILE2" + b"\xff" * 4088),
        "a directory": directory,
        "a socket": fgread.file("socket"),
        "a device": "/dev/zero",
        "a missing file": fgread.file("missing"),
        "a path through a file": fgread.file("text") / "perf.data",
        "a name of 5000 bytes": "x" * 5000,
        "no name": "",
    }
    for name, path in cases.items():
        start = time.monotonic()
        run = fgread(path)
        tap.check(run.status == 1 and not run.out and not died(run), f"{name} is status 1", run)
        lines = run.err.splitlines()
        tap.check(len(lines) == 1 and str(path)[:100] in run.err, f"{name} is named in one sentence",
                  run)
        tap.check(time.monotonic() - start < 5, f"{name} takes no time")
    unix.close()

    locked = rich().write(fgread.file("locked.data"))
    os.chmod(locked, 0)
    os.chmod(fgread.directory, 0o755)
    if os.getuid() == 0 and not os.access(os.path.dirname(fgread.path), os.X_OK):
        tap.skip("no permission", "the tool cannot be reached as nobody")
        return
    try:
        run = fgread(locked, preexec_fn=nobody)
    except PermissionError:
        tap.skip("no permission", "the tool cannot be reached as nobody")
        return
    tap.check(run.status == 1 and locked in run.err and "ermission" in run.err,
              "a file that may not be read says so", run)


def check_cuts(tap, fgread):
    recording = rich()
    data = recording.bytes()
    data_start = recording.data_offset()
    data_end = data_start + sum(map(len, recording.records))
    cuts = {len(data) * i // 50 for i in range(50)}
    cuts |= {8, 16, HEADER_SIZE - 1, HEADER_SIZE, HEADER_SIZE + 1, data_start - 1, data_start,
             data_start + 1, data_end - 1, data_end, data_end + 1, len(data) - 1}
    for end, _ in list(recording.record_ends())[:6]:
        cuts |= {end - 1, end, end + 1, end + 7, end + 8}
    path = fgread.file("cut.data")
    for cut in sorted(cuts):
        path.write_bytes(data[:cut])
        run = fgread(path, "--event", "cpu-clock")
        if cut < data_start:
            tap.check(run.status == 1 and not run.out and run.err and not died(run),
                      f"cut at {cut}, within the header: status 1", run)
            continue
        tap.check(run.status in (0, 3) and not died(run), f"cut at {cut}: the rest is folded", run)
        if cut < data_end:
            tap.check(run.status == 3, f"cut at {cut}: status 3", run)
            tap.check(run.err != "", f"cut at {cut}: a message", run)
        tap.check(run.total == sample_weights(recording, cut),
                  f"cut at {cut}: every sample before the cut is there, none twice", run)


def check_killed_recorder(tap, fgread):
    recording = rich()
    path = recording.write(fgread.file("killed.data"), finished=False)
    run = fgread(path)
    whole = sample_weights(recording, 1 << 60)
    tap.check(run.status == 3 and run.total == whole,
              "data.size 0 (recorder killed): everything up to the end", run)
    tap.check("not closed" in run.err or "killed" in run.err, "and the message says why", run)
    kernel = Recording()
    kernel.mmap(-1, "[kernel.kallsyms]_text", KERNEL_TEXT, 0x1000000, KERNEL_TEXT, misc=KERNEL)
    kernel.sample(7, [CONTEXT_KERNEL, KERNEL_TEXT + 0x100], misc=KERNEL)
    run = fgread(kernel.write(fgread.file("kernel.data"), finished=False))
    tap.check(run.status == 3 and "--kallsyms /proc/kallsyms" in run.err,
              "and that it may be known what kernel it was", run)
    data = recording.bytes(finished=False)
    run = fgread(fgread.write("killed-cut.data", data[:-5]))
    last = list(recording.record_ends())[-1]
    tap.check(run.status == 3 and run.total == sample_weights(recording, last[0] - 1),
              "data.size 0 and the last record cut", run)


def patched(data, offset, replacement):
    return data[:offset] + replacement + data[offset + len(replacement):]


def check_damaged_records(tap, fgread):
    recording = rich()
    data = recording.bytes()
    ends = list(recording.record_ends())
    index = next(i for i, (_, record) in enumerate(ends)
                 if i > 20 and struct.unpack_from("<I", record)[0] == SAMPLE)
    start = ends[index - 1][0]
    whole = sample_weights(recording, 1 << 60)
    before = sample_weights(recording, start)
    record = ends[index][1]
    period = struct.unpack_from("<Q", record, PERIOD_AT)[0]

    for size in (0, 1, 7, 0xffff):
        damaged = patched(data, start + 6, struct.pack("<H", size))
        run = fgread(fgread.write("size.data", damaged))
        # A huge size ends behind the data, or swallows what is in it.
        tap.check(run.status == 3 and run.total == before and "offset" in run.err,
                  f"a record of size {size}: what came before it is folded", run)
    damaged = patched(data, start, struct.pack("<I", 0xdead))
    run = fgread(fgread.write("type.data", damaged))
    tap.check(run.status == 0 and run.total == whole - period and "unknown type" in run.err,
              "a record of unknown type is skipped and counted", run)
    damaged = patched(data, start + 8, struct.pack("<Q", 0x1234567))
    run = fgread(fgread.write("id.data", damaged))
    tap.check(run.status == 3 and run.total == whole - period,
              "a sample of an unknown event is skipped and counted", run)
    for count in (1 << 63, 1 << 61, 1 << 32, 1000):
        damaged = patched(data, start + CHAIN_AT, struct.pack("<Q", count))
        run = fgread(fgread.write("chain.data", damaged))
        tap.check(run.status == 3 and run.total == whole - period,
                  f"a chain of {count} entries is skipped and counted", run)
    damaged = patched(data, start, b"\0" * len(record))
    run = fgread(fgread.write("zero.data", damaged))
    tap.check(run.status == 3 and run.total == before, "zeros instead of a record end the reading",
              run)


def check_damaged_headers(tap, fgread):
    recording = rich()
    data = recording.bytes()
    whole = sample_weights(recording, 1 << 60)
    names = ["size", "attr_size", "attrs.offset", "attrs.size", "data.offset", "data.size",
             "event_types.offset", "event_types.size", "features 0", "features 1", "features 2",
             "features 3"]
    for place, name in enumerate(names):
        for value in (0, 1, 8, 1 << 31, 1 << 63, (1 << 64) - 1):
            damaged = patched(data, 8 + 8 * place, struct.pack("<Q", value))
            run = fgread(fgread.write("header.data", damaged))
            # Attrs read from elsewhere are attrs like others: weights may then be anything.
            tap.check(run.status in (0, 1, 3) and not died(run) and run.err != "" and
                      (run.total <= whole or name == "attrs.offset"),
                      f"{name} of {value:#x} does no harm", run)
    for place in range(HEADER_SIZE, recording.data_offset(), 8):
        damaged = patched(data, place, b"\xff" * 8)
        run = fgread(fgread.write("attrs.data", damaged))
        tap.check(run.status in (0, 1, 3) and not died(run) and
                  (run.status == 0 or run.err != ""),
                  f"ones at {place}, among the attrs, do no harm", run)
    run = fgread(fgread.write("no-header.data", b"\0" * HEADER_SIZE + data[HEADER_SIZE:]))
    tap.check(run.status == 1 and run.err != "", "a zeroed header is status 1", run)
    features = recording.data_offset() + sum(map(len, recording.records))
    for place in range(features, len(data), 24):
        damaged = patched(data, place, b"\xff" * 8)
        run = fgread(fgread.write("features.data", damaged))
        tap.check(run.status in (0, 3) and run.total in (whole, 0) and not died(run),
                  f"ones at {place}, among the features, lose no sample", run)


def check_mutations(tap, fgread):
    """Single bytes anywhere: no crash, and never more weight than there was unless a weight was
    hit."""
    data = rich().bytes()
    dice = random.Random(3)
    for number in range(150):
        damaged = bytearray(data)
        for _ in range(1 + number % 4):
            damaged[dice.randrange(len(data))] = dice.randrange(256)
        run = fgread(fgread.write("mutation.data", bytes(damaged)), "--stats=json")
        if died(run) or run.status not in (0, 1, 3):
            tap.check(False, f"mutation {number}", run)
            return
    tap.check(True, "150 mutations do no harm")


def check_lost(tap, fgread):
    recording = rich()
    recording.lost(5)
    run = fgread(recording.write(fgread.file("lost.data")), "--stats")
    tap.check(run.status == 0 and "lost 5" in run.err, "lost events are told and are status 0", run)
    run = fgread(recording.write(fgread.file("lost.data")), "--stats=json", "-q")
    tap.check(json.loads(run.err)["lost_events"] == 5, "lost events are counted", run)


def main(path):
    tap = Tap()
    fgread = Tool(path)
    check_no_recording(tap, fgread)
    check_cuts(tap, fgread)
    check_killed_recorder(tap, fgread)
    check_damaged_records(tap, fgread)
    check_damaged_headers(tap, fgread)
    check_mutations(tap, fgread)
    check_lost(tap, fgread)
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1])
