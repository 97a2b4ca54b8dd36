"""The results of bench/run as text, Markdown and JSON."""

import json
import os
import pathlib
import platform
import time
from dataclasses import asdict

from measure import median, median_ratio

MB = 1_000_000
# Of the samples. Where mappings are lost, stacks end early, and everybody is faster than he is.
MUCH_LOST = 0.001
COLUMNS = ("", "wall s", "user s", "sys s", "peak MB", "samples/s", "ns/frame", "x cat", "runs")


def machine():
    """What figures depend on."""
    model = next((line.split(":", 1)[1].strip()
                  for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return {"processor": model, "cores": len(os.sched_getaffinity(0)),
            "kernel": platform.release(), "time": time.strftime("%Y-%m-%d %H:%M")}


class Comparison:
    """All runs on one recording."""

    def __init__(self, recording, counted, weight):
        self.recording = recording
        self.bytes = recording.stat().st_size
        self.samples = counted["samples"]
        self.frames = counted["frames"]
        self.lost = counted["lost_events"]
        self.weight = weight  # in words
        self.runs = {}  # by contender, of those that worked
        self.failures = {}  # of the others: why

    def add(self, who, runs, failure):
        if failure:
            self.failures[who] = str(failure)
        elif runs:
            self.runs[who] = runs

    def contenders(self, kind):
        return [who for who in self.runs if who.kind == kind]

    def figures(self, who):
        runs = self.runs[who]
        wall = median(run.wall for run in runs)
        cat = self.runs[self.contenders("cat")[0]]
        works = who.kind != "cat"
        return {
            "wall": wall,
            "user": median(run.user for run in runs),
            "system": median(run.system for run in runs),
            "peak": median(run.peak for run in runs),
            "samples_per_second": self.samples / wall if works else None,
            "ns_per_frame": wall * 1e9 / max(self.frames, 1) if works else None,
            "times_cat": median_ratio(runs, cat),
        }

    def speedups(self):
        """(fgread contender, peer, times faster) of those that do the same."""
        return [(mine, peer, median_ratio(self.runs[peer], self.runs[mine]))
                for peer in self.contenders("peer") for mine in self.contenders("fgread")
                if mine.inlines == peer.inlines]

    def title(self):
        lost = ""
        if self.lost > self.samples * MUCH_LOST:
            lost = f"; {self.lost} EVENTS LOST while recording, so stacks end early: record anew"
        return (f"{self.recording.name}: {self.bytes / MB:.0f} MB, {self.samples} samples, "
                f"{self.frames} frames; {self.weight}{lost}")

    def rows(self):
        for who, runs in self.runs.items():
            f = self.figures(who)
            speed = "" if f["samples_per_second"] is None else f"{f['samples_per_second']:.0f}"
            cost = "" if f["ns_per_frame"] is None else f"{f['ns_per_frame']:.0f}"
            yield (who.name, f"{f['wall']:.3f}", f"{f['user']:.3f}", f"{f['system']:.3f}",
                   f"{f['peak'] / MB:.1f}", speed, cost, f"{f['times_cat']:.1f}", str(len(runs)))

    def notes(self):
        yield from (f"{mine.name} is {ratio:.1f} times faster than {peer.name}"
                    for mine, peer, ratio in self.speedups())
        yield from (f"{who.name} failed: {why}" for who, why in self.failures.items())

    def text(self):
        lines = ["", self.title()]
        for row in (COLUMNS, *self.rows()):
            lines.append(f"{row[0]:34}" + "".join(f"{cell:>11}" for cell in row[1:]))
        return "\n".join([*lines, *self.notes()])

    def markdown(self):
        lines = [f"## {self.title()}", "", "| " + " | ".join(COLUMNS) + " |",
                 "|---|" + "---:|" * (len(COLUMNS) - 1)]
        # A bar in a name is no border of a cell.
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
                  for row in self.rows()]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes()), ""])

    def json(self):
        return {
            "recording": self.recording.name, "bytes": self.bytes, "samples": self.samples,
            "frames": self.frames, "weight": self.weight,
            "contenders": [{"name": who.name, "kind": who.kind, "inlines": who.inlines,
                            **self.figures(who), "runs": [asdict(run) for run in runs]}
                           for who, runs in self.runs.items()],
            "speedups": [{"fgread": mine.name, "peer": peer.name, "times": ratio}
                         for mine, peer, ratio in self.speedups()],
            "failures": {who.name: why for who, why in self.failures.items()},
        }


def write(path, comparisons, about):
    """PATH.md and PATH.json; `about`: what was compared on what."""
    lines = ["# fgread and others", ""]
    lines += [f"- {key}: {value}" for key, value in about["machine"].items()]
    lines += [f"- {name}: {version}" for name, version in about["versions"].items()]
    lines += [f"- not here: {name}" for name in about["missing"]]
    lines += ["", "Medians; files in the page cache; output to /dev/null. *x cat* and the times "
              "faster are medians of the ratios within each round of runs.", ""]
    lines += [comparison.markdown() for comparison in comparisons]
    path.with_suffix(".md").write_text("\n".join(lines))
    everything = {**about, "recordings": [comparison.json() for comparison in comparisons]}
    path.with_suffix(".json").write_text(json.dumps(everything, indent=1) + "\n")
