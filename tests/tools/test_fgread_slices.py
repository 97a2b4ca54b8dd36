#!/usr/bin/env python3
"""Slices of a recording's time.   test_fgread_slices.py FGREAD FIXTURES"""

import csv
import pathlib
import sys
from collections import Counter

from fgread_runner import Tap, Tool
from recording import CONTEXT_USER, Event, Recording


def listed(directory):
    with open(directory / "slices.tsv", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def folded(path):
    out = Counter()
    for line in path.read_text().splitlines():
        stack, _, weight = line.rpartition(" ")
        out[stack] += int(weight)
    return out


class Slices:
    def __init__(self, tap, fgread, fixtures):
        self.tap, self.fgread = tap, fgread
        fixtures = pathlib.Path(fixtures).resolve()
        self.recording = fixtures / "cpp_threads" / "perf.data"
        self.waits = fixtures / "off_cpu" / "wall.perf.data"

    def cut(self, name, *options, recording=None):
        directory = self.fgread.file(name)
        run = self.fgread("--output-dir", directory, *options, recording or self.recording)
        return run, directory

    def check_whole(self):
        for name, options, recording in (("plain", [], self.recording),
                                         ("filtered", ["--exclude", "main"], self.recording),
                                         ("some", ["--time", "20%-70%"], self.recording),
                                         ("wall", ["--wall"], self.waits)):
            run, directory = self.cut(name, "--slices", "7", *options, recording=recording)
            files = [row["file"] for row in listed(directory)]
            self.tap.check(run.status == 0 and files == [f"slice-00{n}.folded" for n in range(1, 8)]
                           and {path.name for path in directory.iterdir()} == {*files, "slices.tsv"},
                           f"{name}: a file for each slice, and their list", run)
            whole = self.fgread(*options, recording)
            total = sum((folded(directory / file) for file in files), Counter())
            self.tap.check(total == Counter(whole.weights), f"{name}: the slices are the whole")
            weights = [int(row["weight"]) for row in listed(directory)]
            self.tap.check(weights == [sum(folded(directory / file).values()) for file in files],
                           f"{name}: the list has what each weighs", weights)
            whole.err = whole.err.replace("fgread: wrote 7 slices", "")
            self.tap.check(run.err.splitlines()[1:] == whole.err.splitlines(),
                           f"{name}: what is said of the recording is the same", run)

    def check_times(self):
        _, directory = self.cut("times", "--slices", "5")
        rows = listed(directory)
        joined = all(a["to_s"] == b["from_s"] for a, b in zip(rows, rows[1:]))
        self.tap.check(joined, "slices follow one another", rows)
        # The first ns after it is not a slice's; that of fgread's --time is.
        row = rows[2]
        last = f"{row['to_s'][:-9]}{int(row['to_s'][-9:]) - 1:09}"
        run = self.fgread("--time", f"{row['from_s']},{last}", self.recording)
        self.tap.check(Counter(run.weights) == folded(directory / row["file"]),
                       "a slice is what --time gives between the listed times")
        length = 0.05
        _, directory = self.cut("lengths", "--slice-length", length)
        rows = listed(directory)
        lengths = [round(float(row["to_s"]) - float(row["from_s"]), 5) for row in rows]
        self.tap.check(len(rows) > 2 and set(lengths[:-1]) == {length} and lengths[-1] <= length,
                       "--slice-length", lengths)

    def check_forms(self):
        for form, ending, start in (("svg", ".svg", b"<?xml"), ("pprof", ".pb.gz", b"\x1f\x8b"),
                                    ("jsonl", ".jsonl", b"{"),
                                    ("speedscope", ".speedscope.json", b"{")):
            run, directory = self.cut(form, "--slices", "2", "-f", form)
            data = (directory / f"slice-002{ending}").read_bytes()
            self.tap.check(run.status == 0 and data.startswith(start), f"slices as {form}", run)
        svg = (self.fgread.file("svg") / "slice-002.svg").read_text()
        self.tap.check("slice 2 of 2: " in svg, "a picture says which slice it is", svg[:500])
        run, directory = self.cut("jobs", "--slices", "3", "--jobs", "1")
        _, several = self.cut("more_jobs", "--slices", "3", "--jobs", "4")
        same = all((directory / path.name).read_bytes() == path.read_bytes()
                   for path in several.iterdir())
        self.tap.check(same, "the same with one thread and with four")

    def check_refusals(self):
        recording = Recording([Event()])
        recording.mmap(7, "/nonexistent/prog", 0x400000, 0x1000)
        empty = self.fgread.write("empty", recording.bytes())
        run, directory = self.cut("nothing", "--slices", "3", recording=empty)
        self.tap.check(run.status == 0 and not listed(directory), "no samples, no slices", run)
        recording.sample(7, [CONTEXT_USER, 0x400100])
        recording.time = 10**12
        recording.sample(7, [CONTEXT_USER, 0x400100])
        long = self.fgread.write("long", recording.bytes())
        run, _ = self.cut("many", "--slice-length", "0.001", recording=long)
        self.tap.check(run.status == 1 and "10000 are the most" in run.err, "too many", run)
        self.fgread.write("file", b"")
        run = self.fgread("--slices", "2", "--output-dir", "file", self.recording)
        self.tap.check(run.status == 1 and "file: cannot be made" in run.err,
                       "a directory that is a file", run)
        for options in (["--slices", "2"], ["--output-dir", "d"], ["--slices", "0", "--output-dir", "d"],
                        ["--slices", "2", "--slice-length", "1", "--output-dir", "d"],
                        ["--slices", "2", "--output-dir", "d", "-o", "f"]):
            run = self.fgread(*options, self.recording)
            self.tap.check(run.status == 2, " ".join(options) + " is wrong usage", run)


def main(fgread, fixtures):
    tap = Tap()
    test = Slices(tap, Tool(fgread), fixtures)
    test.check_whole()
    test.check_times()
    test.check_forms()
    test.check_refusals()
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
