#!/usr/bin/env python3
"""--off-cpu and --wall on recordings of a program that sleeps.
test_fgread_off_cpu.py FGREAD FIXTURES"""

import json
import pathlib
import re
import sys

from fgread_runner import Tap, Tool

# The program's waits in ms, each three times.
SLEEPS = {"f1": 10, "f2": 20, "f3": 30, "f4": 40}
ROUNDS = 3


def shares(weights):
    """Percent of all by the innermost of the four functions."""
    total = sum(weights.values())
    out = dict.fromkeys(SLEEPS, 0)
    for stack, weight in weights.items():
        functions = re.findall(r"rust_sleep::(f[1-4])(?=;|$)", stack)
        if functions:
            out[functions[-1]] += 100 * weight / total
    return out


class OffCpu:
    def __init__(self, tap, fgread, fixtures):
        self.tap, self.fgread = tap, fgread
        self.folder = pathlib.Path(fixtures).resolve() / "off_cpu"

    def recording(self, name):
        return self.folder / f"{name}.perf.data"

    def __call__(self, name, *options, **others):
        return self.fgread("--symfs", self.folder / "symfs", "--kallsyms",
                           self.folder / "kallsyms", *options, self.recording(name), **others)

    def check_widths(self):
        for name, option in (("context_switches", "--off-cpu"), ("sched_switch", "--off-cpu"),
                             ("wall", "--off-cpu"), ("wall", "--wall")):
            run = self(name, option)
            got = shares(run.weights)
            good = all(abs(got[f] - share) < 3 for f, share in SLEEPS.items())
            self.tap.check(run.status == 0 and good,
                           f"{name} {option}: f1, f2, f3, f4 are 10 : 20 : 30 : 40 wide", got)
            whole = sum(SLEEPS.values()) * ROUNDS * 1e6
            self.tap.check(whole <= run.total < 1.2 * whole, f"{name} {option}: the sum is the time",
                           run.total)
            within = sum(weight for stack, weight in run.weights.items() if ";rust_sleep::f3;" in stack)
            self.tap.check(abs(100 * within / run.total - 70) < 3, f"{name} {option}: f4 is in f3")
            alone = self(name, option, "--jobs", "1")
            self.tap.check(alone.out == run.out, f"{name} {option}: the same with one thread")
            with open(self.recording(name), "rb") as stream:
                piped = self.fgread("--symfs", self.folder / "symfs", "--kallsyms",
                                    self.folder / "kallsyms", option, "-", stdin=stream)
            self.tap.check(piped.out == run.out, f"{name} {option}: the same through a pipe", piped)

    def check_sums(self):
        off, wall = self("wall", "--off-cpu"), self("wall", "--wall")
        clock = self("wall", "--event", "cpu-clock")
        self.tap.check(wall.total == off.total + clock.total,
                       "wall-clock time is the time off CPU and that of the clock's samples",
                       (wall.total, off.total, clock.total))
        waits = self("context_switches", "--off-cpu", "--weight", "samples")
        self.tap.check(waits.total == 4 * ROUNDS, "--weight samples counts the waits", waits)
        first = self("context_switches", "--off-cpu", "--time", "0%-50%").total
        second = self("context_switches", "--off-cpu", "--time", "50%-100%").total
        whole = self("context_switches", "--off-cpu").total
        self.tap.check(0 < first < whole and first + second <= whole,
                       "--time takes its part of each wait", (first, second, whole))

    def check_statistics(self):
        run = self("context_switches", "--off-cpu", "--stats=json")
        statistics = json.loads(run.err[run.err.index("{"):])
        off_cpu = statistics["off_cpu"]
        self.tap.check(off_cpu["blocked"] == {"waits": 4 * ROUNDS, "ns": run.total}
                       and off_cpu["until_sample"]["waits"] == 0, "--stats=json: off_cpu", off_cpu)
        self.tap.check(statistics["events"][0]["name"] == "offcpu-time"
                       and statistics["events"][0]["period"] == run.total, "--stats=json: the event")
        run = self("context_switches", "--off-cpu", "--stats")
        self.tap.check(re.search(r"^waits +0\.3\d\d s off CPU in 12 waits", run.err, re.M),
                       "--stats says how long was waited", run)
        run = self("context_switches", "--off-cpu")
        self.tap.check("warning" not in run.err, "a recording that says all gives no warning", run)
        run = self("sched_switch", "--off-cpu")
        self.tap.check("12 of the waits last until the next sample" in run.err
                       and "--switch-events" in run.err,
                       "where the recording does not say when threads came back, stderr does", run)
        run = self("wall")
        self.tap.check("off_cpu" not in run.err and "not in the output" in run.err,
                       "without the options events are folded as ever", run)

    def check_pictures(self):
        for option, title in (("--off-cpu", "Off-CPU Flame Graph"),
                              ("--wall", "Wall-Clock Flame Graph")):
            run = self("wall", option, "-f", "svg")
            text = run.out.decode()
            self.tap.check(title in text and re.search(r"all \(3\d\d(\.\d+)? ms, 100%\)", text),
                           f"{option}: title and unit of a picture", text[-2000:])
        run = self("wall", "--wall", "-f", "speedscope")
        units = {profile["unit"] for profile in json.loads(run.out)["profiles"]}
        self.tap.check(units == {"nanoseconds"}, "speedscope shows nanoseconds", units)

    def check_refusals(self):
        for name, option, words in (("context_switches", "--wall", "no samples of a clock"),):
            run = self(name, option)
            self.tap.check(run.status == 1 and words in run.err and "fgrecord" in run.err
                           and not run.out, f"{name} {option} is refused with a remedy", run)
        run = self.fgread("--off-cpu", self.folder.parent / "rust_vec" / "perf.data")
        self.tap.check(run.status == 1 and "fgrecord --off-cpu" in run.err,
                       "a recording without switches is refused with a remedy", run)
        for options in (["--off-cpu", "--wall"], ["--off-cpu", "--event", "x"],
                        ["--wall", "--event", "x"]):
            run = self("wall", *options)
            self.tap.check(run.status == 2, " ".join(options) + " is wrong usage", run)


def main(fgread, fixtures):
    tap = Tap()
    test = OffCpu(tap, Tool(fgread), fixtures)
    test.check_widths()
    test.check_sums()
    test.check_statistics()
    test.check_pictures()
    test.check_refusals()
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
