#!/usr/bin/env python3
"""Folds every recording in fixtures/ and compares.   test_fixtures.py SOURCE_ROOT FGREAD

A case is a folder with [NAME.]perf.data and [NAME.]expected.folded; symfs/ and kallsyms are used
where they exist, and `options` holds further options. Where there is a [NAME.]perf.folded, fgread
must say the same as perf, except where DIFFERENCES explains why not.
"""

import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import collapse_perf_script  # noqa: E402
from tap import Tap  # noqa: E402
from big_endian import big_endian  # noqa: E402

# Recordings on which perf 6.1 is wrong, with the reason.
DIFFERENCES = {
    "layouts/debug_frame": "perf does not find the rules: the .eh_frame_hdr that is there covers "
                           "only the start-up code",
    "layouts/no_hdr": "perf unwinds only with an .eh_frame_hdr",
    "layouts/static": "perf unwinds only with an .eh_frame_hdr",
    "off_cpu/wall": "it has two events: fgread folds the first, the text has both",
    "truncated": "perf adds an [unknown] frame where the dump ends",
}
# Which way the frames of some are found that .eh_frame has no rule for, by the name of its count in --stats.
WAYS = {
    "layouts/debug_frame": "debug_frame_frames",
    "foreign/armv7": "arm_exidx_frames",
    "hard_cases/without_rules": "analysed_frames",
}
VERSION = re.compile(r"@@?(?:GLIBC|GLIBCXX|CXXABI|GCC)_[\w.]+")


def as_both_say(folded):
    """Without what fgread names differently on purpose: symbol versions, the marks of split
    functions (perf drops them from demangled names only), lambdas after their parameter list."""
    stacks = {}
    for line in folded.splitlines():
        stack, weight = line.rsplit(" ", 1)
        stack = VERSION.sub("", stack)
        frames = [re.sub(r"\((?!anonymous namespace\)).*", "", frame) for frame in stack.split(";")]
        frames = [re.sub(r"\.(?:cold|constprop\.\d+|isra\.\d+|part\.\d+)", "", frame)
                  for frame in frames]
        stack = ";".join(frames)
        stacks[stack] = stacks.get(stack, 0) + int(weight)
    return "\n".join(sorted(f"{stack} {weight}" for stack, weight in stacks.items()))


class Case:
    def __init__(self, root, recording):
        self.recording = recording
        self.folder = recording.parent
        self.prefix = recording.name.removesuffix("data").removesuffix("perf.")
        name = str(self.folder.relative_to(root / "fixtures"))
        self.name = name + ("/" + self.prefix.rstrip(".") if self.prefix else "")

    def text(self, name):
        path = self.folder / (self.prefix + name)
        return path.read_text() if path.is_file() else None

    def options(self):
        options = []
        if (self.folder / "symfs").is_dir():
            options += ["--symfs", str(self.folder / "symfs")]
        if (self.folder / "kallsyms").is_file():
            options += ["--kallsyms", str(self.folder / "kallsyms")]
        return options + (self.text("options") or "--no-inline").split()


def fold(fgread, case, *options):
    done = subprocess.run([fgread, *case.options(), *options, case.recording],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def check_case(tap, fgread, case):
    status, folded, messages = fold(fgread, case)
    tap.check(status == 0, f"{case.name}: exit status 0", f"{status}: {messages}")
    tap.equal(folded, case.text("expected.folded"), f"{case.name}: folds as expected")
    alone = fold(fgread, case, "--jobs", "1")[1]
    several = fold(fgread, case, "--jobs", "4")[1]
    tap.check(alone == folded == several, f"{case.name}: the same with 1 and 4 threads")
    from_perf = case.text("perf.folded")
    if from_perf is None:
        return
    agree = as_both_say(folded) == as_both_say(from_perf)
    if case.name in DIFFERENCES:
        # Better than perf is expected; equal would mean that the list is out of date.
        tap.check(not agree, f"{case.name}: differs from perf: {DIFFERENCES[case.name]}")
    else:
        tap.equal(as_both_say(folded), as_both_say(from_perf), f"{case.name}: agrees with perf")
        compat = fold(fgread, case, "--compat", "flamegraph")[1]
        tap.equal(compat, from_perf, f"{case.name}: --compat flamegraph is perf's byte for byte")


# Written by a big-endian machine, or with records that are packed (tests/perfdata has these turned).
NOT_TURNED = {"s390x.perf.data", "lpd-sleep.compressed.data", "lpd-sleep.compressed.pipe.data",
              "lpd-sleep.compressed2.data"}


def check_big_endian(tap, fgread, recordings, folder):
    """The same recording as of a big-endian machine. Stacks keep the order of their own machine."""
    turned = 0
    for case in recordings:
        if case.recording.name in NOT_TURNED:
            continue
        swapped = copy.copy(case)
        swapped.recording = pathlib.Path(folder) / "big-endian.data"
        swapped.recording.write_bytes(big_endian(case.recording.read_bytes()))
        # As old, for what is there of its binaries.
        os.utime(swapped.recording, ns=(case.recording.stat().st_mtime_ns,) * 2)
        expected = fold(fgread, case, "--event", "*")
        got = fold(fgread, swapped, "--event", "*")
        tap.equal(got[1], expected[1], f"{case.name}: the same in big-endian")
        tap.check(got[0] == expected[0], f"{case.name}: the same exit status", got[2])
        turned += 1
    tap.check(turned > len(recordings) // 2, "most recordings can be turned round")


def check_ways(tap, fgread, case):
    way = WAYS.get(case.name)
    if way is None:
        return
    counts = json.loads(fold(fgread, case, "-q", "--stats=json")[2])
    tap.check(counts[way] > 0, f"{case.name}: {way}", counts)


def check_script(tap, fgread, case):
    expected = case.text("perf.script")
    if expected is None:
        return
    status, text, messages = fold(fgread, case, "-f", "script")
    tap.check(status == 0, f"{case.name}: exit status 0 of -f script", messages)
    tap.equal(text, expected, f"{case.name}: -f script is perf's text byte for byte")
    _, folded, _ = fold(fgread, case, "--compat", "flamegraph")
    stacks = collapse_perf_script.fold(text.splitlines())
    tap.equal(collapse_perf_script.folded_text(stacks), folded,
              f"{case.name}: and folds as --compat flamegraph")


def check_names(tap, fgread, case):
    """One C++ recording in every style of --names."""
    frame = {"plain": "work::Nested<unsigned int, 6>::run",
             "full": "work::Nested<unsigned int, 6>::run(unsigned int, int)",
             "short": "work::Nested::run",
             "raw": "_ZN4work6NestedIjLi6EE3runEji"}
    for style, name in frame.items():
        status, folded, messages = fold(fgread, case, "--names", style)
        frames = {each for line in folded.splitlines() for each in line.split(";")}
        tap.check(status == 0 and name in frames, f"--names {style}: {name}", messages + folded)


def main(root, fgread):
    root = pathlib.Path(root).resolve()
    tap = Tap()
    cases = [Case(root, path) for path in sorted((root / "fixtures").rglob("*perf.data"))
             if not path.is_relative_to(root / "fixtures" / "public")]
    for case in cases:
        if case.text("expected.folded") is not None:
            check_case(tap, fgread, case)
            check_ways(tap, fgread, case)
            check_script(tap, fgread, case)
        if case.name == "cpp_threads":
            check_names(tap, fgread, case)
    public = [Case(root, path) for path in sorted((root / "fixtures" / "public").glob("*.data"))]
    with tempfile.TemporaryDirectory() as folder:
        check_big_endian(tap, fgread, cases + public, folder)
    tap.check(bool(cases), "there are fixtures")
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
