#!/usr/bin/env python3
"""What must hold for every recording, tried on the shipped ones and on damaged copies of them.

test_fgread_invariants.py FGREAD FIXTURES
"""

import json
import pathlib
import random
import shutil
import sys

from fgread_runner import Tap, Tool, died, without_commands

OPTIONS = [[], ["--no-inline"], ["--names", "raw"], ["--group-by", "pid"], ["--group-by", "tid"],
           ["--addrs"], ["--annotate"], ["--hide-kernel"], ["--hide-user"]]
MUTATIONS = 60


class Fixture:
    def __init__(self, directory):
        self.name = directory.name
        self.data = directory / "perf.data"
        self.symfs = directory / "symfs"

    def options(self, symfs=None):
        symfs = symfs or self.symfs
        return ["--symfs", symfs] if symfs.is_dir() else []


def folded(fgread, data, *options):
    """The run, and its statistics."""
    run = fgread(data, "-q", "--stats=json", *options)
    return run, json.loads(without_commands(run.err)) if run.err.startswith("{") else {}


def period(stats):
    return sum(event["period"] for event in stats.get("events", []) if event["folded"])


def samples(stats):
    return sum(event["samples"] for event in stats.get("events", []) if event["folded"])


def in_order(run):
    """As perl's sort orders the stacks; equal ones would be neighbours."""
    stacks = [line.rpartition(b" ")[0] for line in run.out.splitlines()]
    return all(a < b for a, b in zip(stacks, stacks[1:]))


def check_options(tap, fgread, fixture):
    for options in OPTIONS:
        name = f"{fixture.name} {' '.join(options)}".strip()
        run, stats = folded(fgread, fixture.data, *fixture.options(), *options)
        tap.check(run.status == 0 and run.total == period(stats) != 0,
                  f"{name}: the output weighs what the samples weigh", run)
        tap.check(in_order(run), f"{name}: sorted by bytes, each stack once", run)
        tap.check(sum(stats["stop_reasons"].values()) == stats["samples"],
                  f"{name}: each sample has one stop reason", stats["stop_reasons"])
        weighed, _ = folded(fgread, fixture.data, *fixture.options(), "--weight", "samples",
                            *options)
        tap.check(weighed.total == samples(stats) and
                  list(weighed.weights) == list(run.weights),
                  f"{name}: --weight samples counts the same stacks", weighed)


def check_jobs(tap, fgread, fixture):
    expected, stats = folded(fgread, fixture.data, *fixture.options(), "-j", 1)
    for jobs in (1, 2, 3, 8):
        run, other = folded(fgread, fixture.data, *fixture.options(), "-j", jobs)
        tap.check(run.out == expected.out, f"{fixture.name}: --jobs {jobs} changes no byte", run)
        tap.check(other == stats, f"{fixture.name}: nor the statistics",
                  [key for key in stats if other.get(key) != stats[key]])


def check_inlines(tap, fgread, fixture):
    """Without its inlined functions a stack is one of those of --no-inline."""
    marked = fgread(fixture.data, "-q", "--annotate", *fixture.options())
    plain = fgread(fixture.data, "-q", "--annotate", "--no-inline", *fixture.options())
    merged = {}
    for stack, weight in marked.weights.items():
        frames = [frame for frame in stack.split(";") if not frame.endswith("_[i]")]
        key = ";".join(frames)
        merged[key] = merged.get(key, 0) + weight
    tap.check(merged == plain.weights, f"{fixture.name}: inlined functions only add frames",
              sorted(set(merged.items()) ^ set(plain.weights.items()))[:6])


def check_cuts(tap, fgread, fixture):
    data = fixture.data.read_bytes()
    whole, _ = folded(fgread, fixture.data, *fixture.options())
    path = fgread.file("cut.data")
    totals = []
    for part in range(1, 25):
        path.write_bytes(data[:len(data) * part // 25])
        run, stats = folded(fgread, path, *fixture.options())
        if died(run) or run.status not in (0, 1, 3) or run.total != period(stats):
            tap.check(False, f"{fixture.name} cut at {part}/25", run)
            return
        totals.append(run.total)
    tap.check(totals == sorted(totals) and totals[-1] <= whole.total and totals[12] > 0,
              f"{fixture.name}: the more of the file is there, the more is folded", totals)


def mutate(data, dice, count):
    damaged = bytearray(data)
    for _ in range(count):
        damaged[dice.randrange(len(data))] = dice.choice([0, 1, 0x7f, 0x80, 0xff,
                                                          dice.randrange(256)])
    return bytes(damaged)


def check_damaged_recordings(tap, fgread, fixture):
    data = fixture.data.read_bytes()
    dice = random.Random(fixture.name)
    path = fgread.file("mutated.data")
    for number in range(MUTATIONS):
        path.write_bytes(mutate(data, dice, 1 + number * 2))
        run, stats = folded(fgread, path, *fixture.options())
        if died(run) or run.status not in (0, 1, 3) or run.total != period(stats) % 2**64:
            tap.check(False, f"{fixture.name}: mutation {number}", run)
            return
    tap.check(True, f"{fixture.name}: {MUTATIONS} damaged copies do no harm")


def check_damaged_binaries(tap, fgread, fixture):
    """Code, unwind tables and debug information that lie; the weights must not care."""
    if not fixture.symfs.is_dir():
        return
    whole, stats = folded(fgread, fixture.data, *fixture.options())
    dice = random.Random(fixture.name)
    symfs = fgread.file(f"symfs-{fixture.name}")
    shutil.copytree(fixture.symfs, symfs)
    binaries = [path for path in symfs.rglob("*") if path.is_file() and not path.is_symlink()]
    originals = {path: path.read_bytes() for path in binaries}
    for number in range(MUTATIONS):
        for path, content in originals.items():
            path.chmod(0o644)
            path.write_bytes(mutate(content, dice, 1 + number * len(content) // 20_000))
        run, other = folded(fgread, fixture.data, *fixture.options(symfs))
        if died(run) or run.status != 0 or run.total != whole.total or not in_order(run):
            tap.check(False, f"{fixture.name}: damaged binaries {number}", run)
            return
    tap.check(other["samples"] == stats["samples"],
              f"{fixture.name}: {MUTATIONS} times damaged binaries do no harm", other)


def main(path, fixtures):
    tap = Tap()
    fgread = Tool(path)
    found = [Fixture(data.parent) for data in sorted(pathlib.Path(fixtures).resolve().glob("*/perf.data"))]
    tap.check(found, "there are fixtures")
    for fixture in found:
        for check in (check_options, check_jobs, check_inlines, check_cuts,
                      check_damaged_recordings, check_damaged_binaries):
            check(tap, fgread, fixture)
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
