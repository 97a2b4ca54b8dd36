#!/usr/bin/env python3
"""Holds fgdump's stacks against perf script's, sample by sample.

    compare_perf.py FGDUMP RECORDING [--symfs DIR] [--kallsyms FILE] [--show N]

Both give raw names without inlined functions. Only samples whose stacks perf completes are judged:
those whose outermost frame is a start of a process or thread (or that have no user part). Symbol
versions, which perf keeps on names of .symtab, do not count. Exit status 1 if fewer than 99.5 % of
them are the same. A frame of the same address under another name is an alias (perf compares mangled
names here, which is not what it shows): such stacks count as the same, up to ALIASED of them. Of the stacks that perf leaves incomplete it is only told how often perf's frames,
without the [unknown] one that it adds where a dump ends, are the first of ours.
"""

import argparse
import collections
import math
import re
import subprocess
import sys

REQUIRED = 0.995
# Share of stacks that may differ in aliases alone: rustc's and LLVM's libraries are full of them.
ALIASED = 0.25
# Share of stacks in which perf skips frames that fgread has: those of the dynamic linker's start.
SKIPPING = 0.02
PAGE = 4096
# Where stacks begin: programs, threads (glibc's clone has several names), the dynamic linker.
STARTS = {"_start", "clone", "__clone", "clone3", "__clone3", "__GI___clone", "__GI___clone3",
          "_dl_start_user", "ret_from_fork_asm"}
# libc's callers of main and of a thread's function. On some recordings perf 6.1 loses libc's unwind
# information and ends every stack there; what it has up to there is judged.
NEAR_STARTS = {"__libc_start_call_main", "start_thread"}
HEADER = re.compile(r"^\s*(?P<pid>-?\d+)/(?P<tid>-?\d+)\s+(?P<s>\d+)\.(?P<ns>\d{9}):")
FRAME = re.compile(r"^\s*(?P<pc>[0-9a-f]+)\s+(?P<symbol>.+) \((?P<module>.+)\)$")
VERSION = re.compile(r"@@?[A-Z][A-Za-z]*_?[\w.]*$")
KERNEL_START = 1 << 63
# As deep as fgread walks; 127 is what perf does unless told.
MAX_STACK = "1024"


def tidy(name):
    name = VERSION.sub("", name).replace(";", ":")
    return "[kernel]" if name.startswith("[kernel.kallsyms") else name


def perf_name(symbol, module):
    if symbol != "[unknown]":
        return tidy(symbol)
    if module == "[unknown]":
        return "[unknown]"
    name = module.rsplit("/", 1)[-1]
    return tidy(name if name.startswith("[") else f"[{name}]")


def perf_stacks(recording, options=()):
    """(pid, tid, time) -> list of stacks; a stack is [(pc, name)], innermost first."""
    command = ["perf", "script", "--no-inline", "--no-demangle", "--ns", "--max-stack",
               MAX_STACK, "-F",
               "pid,tid,time,ip,sym,dso", "-i", str(recording), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    stacks = collections.defaultdict(list)
    current = None
    for line in done.stdout.decode(errors="replace").splitlines():
        header = HEADER.match(line)
        if header:
            current = []
            time = int(header["s"]) * 1_000_000_000 + int(header["ns"])
            stacks[int(header["pid"]), int(header["tid"]), time].append(current)
        elif current is not None:
            frame = FRAME.match(line)
            if frame:
                current.append((int(frame["pc"], 16), perf_name(frame["symbol"], frame["module"])))
    return stacks


def kernel_frames(chain, names):
    """(pc, name) of the kernel's part of a recorded chain: what follows its mark K."""
    inside, found = False, []
    for entry, name in zip(chain.split(","), names.split(";")):
        if entry in ("K", "U", "H", "G"):
            inside = entry == "K"
        elif inside:
            found.append((int(entry, 16), tidy(name)))
    return found


def our_stacks(fgdump, recording, options=()):
    """(pid, tid, time) -> list of (reason, [(pc, name)])."""
    command = [str(fgdump), "--stacks", "--names", "raw", *options, str(recording)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    stacks = collections.defaultdict(list)
    for line in done.stdout.decode(errors="replace").splitlines():
        columns = line.split("\t")
        _, pid, tid, time, _, reason, frames, chain, names, chain_names = columns[:10]
        pcs = [int(frame.split("/")[0], 16) for frame in frames.split(",")] if frames != "-" else []
        user = list(zip(pcs, map(tidy, names.split(";"))))
        kernel = kernel_frames(chain, chain_names) if chain != "-" else []
        stacks[int(pid), int(tid), int(time)].append((reason, kernel + user))
    return stacks


def complete(stack):
    """Whether perf followed the stack to its start."""
    if not stack:
        return False
    user = [name for pc, name in stack if pc < KERNEL_START]
    return not user or user[-1] in STARTS


def same_places(theirs, ours):
    """Whether all frames have the same addresses. perf's are relative to some mapping, and of
    callers the byte before the return address."""
    return len(theirs) == len(ours) and all(
        their_name == our_name or (our_pc - their_pc) % PAGE in (0, 1)
        for (their_pc, their_name), (our_pc, our_name) in zip(theirs, ours))


def skips_frames(theirs, ours):
    """Whether perf's stack is ours without some frames between others (_dl_start, as a rule: the
    return address is on the stack, and gdb shows the frame)."""
    rest = iter(ours)
    return len(theirs) < len(ours) and all(name in rest for name in theirs)


class Comparison:
    def __init__(self):
        self.judged = self.same = self.missing = self.aliased = self.skipping = 0
        self.incomplete = self.incomplete_same = 0
        self.gained = 0  # stacks that perf leaves incomplete and fgread completes
        self.kinds = collections.Counter()
        self.examples = {}

    @property
    def share(self):
        return self.same / self.judged if self.judged else 0.0

    def add(self, key, theirs, ours):
        if ours is None:
            self.missing += 1
            return
        reason, frames = ours
        perf_names = [name for _, name in theirs]
        if perf_names and perf_names[-1] in NEAR_STARTS:
            frames = frames[:len(perf_names)]
        elif not complete(theirs):
            self.add_incomplete(theirs, ours)
            return
        self.judged += 1
        names = [name for _, name in frames]
        aliased = names != perf_names and same_places(theirs, frames)
        self.aliased += aliased
        if names == perf_names or aliased:
            self.same += 1
            return
        self.skipping += skips_frames(perf_names, names)
        self.note(first_difference(perf_names, names) + f" ({reason})", key, perf_names, names)

    def add_incomplete(self, theirs, ours):
        reason, frames = ours
        names = [name for _, name in frames]
        perf_names = [name for _, name in theirs]
        if perf_names[-1:] == ["[unknown]"]:
            perf_names.pop()
        self.incomplete += 1
        self.gained += reason == "complete"
        self.incomplete_same += names[:len(perf_names)] == perf_names

    def note(self, kind, key, theirs, ours):
        self.kinds[kind] += 1
        self.examples.setdefault(kind, (key, theirs, ours))

    def good(self):
        return (self.judged > 0 and self.missing == 0 and
                self.aliased <= self.at_most(ALIASED) and
                self.judged - self.same - self.skipping <= self.at_most(1 - REQUIRED) and
                self.skipping <= self.at_most(SKIPPING))

    def at_most(self, share):
        """How many samples that is, give or take what chance does to a small recording: three
        standard deviations. (A rustc of a second on a busy machine: 134 samples, 3 of them in
        start-up code where perf skips frames.)"""
        expected = share * self.judged
        return max(1, expected + 3 * math.sqrt(expected))

    def summary(self):
        return (f"{self.judged} judged, {self.same} the same ({100 * self.share:.3f} %), "
                f"{self.aliased} of them by aliases, perf skips frames in {self.skipping}; "
                f"perf left {self.incomplete} incomplete: {self.incomplete_same} begin the same, "
                f"fgread completed {self.gained}; "
                f"{self.missing} missing")

    def details(self, limit):
        lines = []
        for kind, count in self.kinds.most_common(limit):
            (pid, tid, time), theirs, ours = self.examples[kind]
            lines += [f"{count} x {kind}, e.g. {pid}/{tid} at {time}:",
                      f"    perf:   {' < '.join(theirs[:40])}",
                      f"    fgread: {' < '.join(ours[:40])}"]
        return "\n".join(lines)


def first_difference(theirs, ours):
    for their, our in zip(theirs, ours):
        if their != our:
            return f"perf {their}, fgread {our}"
    if len(ours) < len(theirs):
        return f"fgread ends before {theirs[len(ours)]}"
    return f"fgread goes on with {ours[len(theirs)]}"


def compare(fgdump, recording, options=()):
    result = Comparison()
    mine = our_stacks(fgdump, recording, options)
    for key, stacks in perf_stacks(recording, options).items():
        ours = mine.get(key, [])
        for index, theirs in enumerate(stacks):
            result.add(key, theirs, ours[index] if index < len(ours) else None)
    return result


def main():
    parser = argparse.ArgumentParser(description="compares fgdump --stacks with perf script")
    parser.add_argument("fgdump")
    parser.add_argument("recording")
    parser.add_argument("--symfs")
    parser.add_argument("--kallsyms")
    parser.add_argument("--show", type=int, default=10, help="kinds of differences to show")
    arguments = parser.parse_args()
    options = [text for name in ("symfs", "kallsyms")
               for text in ([f"--{name}", getattr(arguments, name)]
                            if getattr(arguments, name) else [])]
    result = compare(arguments.fgdump, arguments.recording, options)
    print(result.summary())
    print(result.details(arguments.show))
    sys.exit(0 if result.good() else 1)


if __name__ == "__main__":
    main()
