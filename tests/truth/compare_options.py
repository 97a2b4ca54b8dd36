#!/usr/bin/env python3
"""Records with one set of perf record's options after the other; fgread must see what perf sees.

    compare_options.py FGREAD DIRECTORY [NAME...]

Samples (command, thread, time, period, event) must be the same, one for one, as `perf script` of
the same file gives, and so must the addresses of recorded chains. Of copied stacks, which perf
cannot always unwind, those are compared that it completes; `tests/tools/compare_perf.py` has their
names. What this kernel cannot record is said and not counted. The recordings stay in DIRECTORY, and
are used again.
"""

import collections
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import time

TIME = re.compile(r"^\d+\.\d+:$")
TRACEPOINT = re.compile(r"^(sched|syscalls|raw_syscalls):\w+:$")
# Where perf's stacks are complete.
STARTS = {"_start", "clone", "__clone", "clone3", "__clone3", "__GI___clone", "__GI___clone3",
          "_dl_start_user", "ret_from_fork_asm", "secondary_startup_64_no_verify"}
PAGE_DIGITS = 3
SMALLEST = 300  # bytes that a recording with an event has at least
SAME_STACKS = 0.99  # of copied ones that perf completes; it skips frames of the dynamic linker
DWARF = ["--call-graph", "dwarf"]
CLOCK = ["-e", "cpu-clock", "-F", "499"]
FEWER = ["-e", "cpu-clock", "-F", "199"]
WORK = ["python3", "-c", """
import threading, subprocess, time
def deep(n): return n if n == 0 else deep(n - 1) + sum(i * i for i in range(300))
def work():
    for _ in range(25): deep(60)
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
subprocess.run(["sh", "-c", "i=0; while [ $i -lt 4000 ]; do i=$((i+1)); done; exec ls -R /usr/include"],
               stdout=subprocess.DEVNULL)
time.sleep(0.02)
"""]

CASES = {
    "plain": CLOCK,
    "fp": [*CLOCK, "-g"],
    "fp-max-stack": [*CLOCK, "-g", "--max-stack", "5"],
    "dwarf": [*CLOCK, *DWARF],
    "dwarf-1024": [*CLOCK, "--call-graph", "dwarf,1024"],
    "dwarf-4096": [*CLOCK, "--call-graph", "dwarf,4096"],
    "dwarf-16384": [*CLOCK, "--call-graph", "dwarf,16384"],
    "dwarf-32768": [*FEWER, "--call-graph", "dwarf,32768"],
    "dwarf-65528": [*FEWER, "--call-graph", "dwarf,65528"],
    "lbr": ["-e", "cycles", "--call-graph", "lbr"],
    "branches": ["-e", "cycles", "-b"],
    "branches-user": ["-e", "cycles", "-j", "any,u"],
    "all-cpus": [*CLOCK, "-a"],
    "all-cpus-fp": [*CLOCK, "-a", "-g"],
    "all-cpus-dwarf": [*FEWER, "-a", *DWARF],
    "one-cpu": [*CLOCK, "-C", "0", "-g"],
    "zstd-fp": [*CLOCK, "-g", "-z"],
    "zstd-dwarf": [*CLOCK, *DWARF, "-z"],
    "zstd-level": [*CLOCK, *DWARF, "--compression-level=9"],
    "pipe": [*CLOCK, "-g", "-o", "-"],
    "pipe-dwarf": [*CLOCK, *DWARF, "-o", "-"],
    "pipe-zstd": [*CLOCK, *DWARF, "-z", "-o", "-"],
    "pipe-events": ["-e", "cpu-clock,page-faults", "-g", "-o", "-"],
    "per-thread": [*CLOCK, "--per-thread", "-g"],
    "per-thread-dwarf": [*CLOCK, "--per-thread", *DWARF],
    "no-inherit": [*CLOCK, "--no-inherit", "-g"],
    "two-events": ["-e", "cpu-clock,page-faults", "-g"],
    "three-events-dwarf": ["-e", "cpu-clock", "-e", "page-faults", "-e", "context-switches", *DWARF],
    "event-periods": ["-e", "cpu-clock/period=2000000/,page-faults/period=3/", "-g"],
    "group": ["-e", "{cpu-clock,page-faults}", "-g"],
    "group-read": ["-e", "{cpu-clock,page-faults}:S", "-g"],
    "user-only": ["-e", "cpu-clock:u", "-g"],
    "kernel-only": ["-e", "cpu-clock:k", "-g"],
    "no-user-chains": [*CLOCK, "-g", "--kernel-callchains"],
    "no-kernel-chains": [*CLOCK, "-g", "--user-callchains"],
    "tracepoint": ["-e", "sched:sched_switch", "-g"],
    "tracepoints-dwarf": ["-e", "sched:sched_switch,raw_syscalls:sys_enter", *DWARF, "-c", "50"],
    "tracepoint-and-clock": ["-e", "cpu-clock", "-e", "syscalls:sys_enter_write", "-g"],
    "dummy": ["-e", "dummy", "-e", "cpu-clock", "-g"],
    "task-clock": ["-e", "task-clock", "-g"],
    "faults": ["-e", "cpu-clock", "-e", "alignment-faults,emulation-faults", "-g"],
    "fixed-period": ["-e", "cpu-clock", "-c", "1000000", "-g"],
    "period": [*CLOCK, "-P", "-T", "-g"],
    "no-samples-time": ["-e", "cpu-clock", "-c", "1000000", "--no-timestamp"],
    "addresses": [*CLOCK, "-d", "--sample-cpu", "-g"],
    "physical": [*CLOCK, "-d", "--phys-data", "-g"],
    "page-sizes": [*CLOCK, "-d", "--data-page-size", "--code-page-size", "-g"],
    "weight": [*CLOCK, "-W", "-g"],
    "registers": [*CLOCK, "-I", "-g"],
    "user-registers": [*CLOCK, "--user-regs=ip,sp,bp", "-g"],
    "registers-dwarf": [*CLOCK, "-I", *DWARF],
    "namespaces": [*CLOCK, "--namespaces", "-g"],
    "cgroups": [*CLOCK, "--all-cgroups", "-g"],
    "cgroups-dwarf": [*CLOCK, "--all-cgroups", *DWARF],
    "switch-events": [*CLOCK, "--switch-events", "-g"],
    "switch-events-all": [*CLOCK, "--switch-events", "-a", "-g"],
    "clock-mono": [*CLOCK, "-k", "mono", "-g"],
    "clock-mono-dwarf": [*CLOCK, "-k", "mono", *DWARF],
    "clock-raw": [*CLOCK, "-k", "monotonic_raw", "-g"],
    "clock-boot": [*CLOCK, "-k", "boottime", "-g"],
    "clock-tai": [*CLOCK, "-k", "tai", *DWARF],
    "buildid-all": [*CLOCK, "--buildid-all", "-g"],
    "buildid-mmap": [*CLOCK, "--buildid-mmap", "-g"],
    "buildid-mmap-dwarf": [*CLOCK, "--buildid-mmap", *DWARF],
    "no-buildid": [*CLOCK, "-B", "-g"],
    "no-buildid-cache": [*CLOCK, "-N", *DWARF],
    "threads": [*CLOCK, "--threads", "-g"],
    "threads-cpu-dwarf": [*CLOCK, "--threads=cpu", "-a", *DWARF],
    "threads-core": [*CLOCK, "--threads=core", "-a", "-g", "-z"],
    "kcore": [*CLOCK, "--kcore", "-g"],
    "small-buffer": [*CLOCK, "-m", "1", "-g"],
    "lossy": ["-e", "cpu-clock", "-F", "9999", "-m", "16", "--call-graph", "dwarf,8192"],
    "large-buffer": [*CLOCK, "-m", "16M", *DWARF],
    "no-buffering": [*CLOCK, "--no-buffering", "-g"],
    "tail-synthesize": [*CLOCK, "--tail-synthesize", "-g"],
    "overwrite": [*CLOCK, "--overwrite", "-g"],
    "no-bpf-event": [*CLOCK, "--no-bpf-event", "-g"],
    "synth-all": [*CLOCK, "-a", "-g", "--synth=all"],
    "no-synth": [*CLOCK, "--synth=no", "-g"],
    "delay": [*CLOCK, "-D", "50", "-g"],
    "realtime": [*CLOCK, "-r", "1", "-g"],
    "statistics": [*CLOCK, "-s", "-g"],
    "max-size": [*CLOCK, "--max-size=200K", *DWARF],
    "aio": [*CLOCK, "--aio", *DWARF],
    "affinity": [*CLOCK, "--affinity=cpu", "-a", "-g"],
    "mmap-flush": [*CLOCK, "--mmap-flush=64K", "-g"],
    "off-cpu": [*CLOCK, "--off-cpu", "-g"],
    "killed": ["-e", "cpu-clock", "-F", "2999", "-m", "4", "-g"],
    "killed-dwarf": ["-e", "cpu-clock", "-F", "2999", "-m", "16", *DWARF],
    "killed-zstd": ["-e", "cpu-clock", "-F", "2999", "-m", "16", *DWARF, "-z"],
}


def has_some(path):
    return path.exists() and path.stat().st_size > 100_000


def record(name, options, path):
    """Whether it could be recorded, unless it was before."""
    said = ""
    if not path.exists():
        said = record_anew(name, options, path)
    records = path / "data" if path.is_dir() else path
    if not records.exists() or records.stat().st_size < SMALLEST:
        return False, said.splitlines()[0] if said else "no records"
    return True, said


def record_anew(name, options, path):
    """What perf said."""
    to_pipe = options[-2:] == ["-o", "-"]
    target = [] if to_pipe else ["-o", str(path)]
    command = ["perf", "record", "-q", *options, *target, "--", *WORK]
    output = open(path, "wb") if to_pipe else subprocess.DEVNULL
    with subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE) as running:
        if name.startswith("killed"):
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline and not has_some(path):
                time.sleep(0.05)
            running.send_signal(signal.SIGKILL)
        return running.stderr.read().decode(errors="replace").strip()


def closed_copy(path):
    """What perf reads of a recording whose recorder was killed: with the size of its records."""
    data = bytearray(path.read_bytes())
    begin, = struct.unpack_from("<Q", data, 40)
    end = begin
    while end + 8 <= len(data):
        size, = struct.unpack_from("<H", data, end + 6)
        if size < 8 or end + size > len(data):
            break
        end += size
    struct.pack_into("<Q", data, 48, end - begin)
    data[72:104] = b"\0" * 32
    copy = path.with_name("closed.data")
    copy.write_bytes(data)
    return copy


class Sample:
    """`head`: command, thread, time, period and event, as perf prints them."""

    def __init__(self, line):
        words = line.split()
        begin = next((at for at, word in enumerate(words) if TIME.match(word)), -1) + 1
        end = next(at for at in range(begin, len(words)) if words[at].endswith(":")) + 1
        # perf prints no period of tracepoints, but their fields.
        tracepoint = TRACEPOINT.match(words[end - 1])
        if tracepoint and words[end - 2].isdigit():
            del words[end - 2]
            end -= 1
        self.head = " ".join(words[:end])
        self.chain = []
        # Where a sample without a chain was. fgread knows a binary's address of one process only.
        self.place = words[end][-PAGE_DIGITS:] if end < len(words) and not tracepoint else ""
        self.outermost = ""

    def add(self, line):
        address, _, rest = line.strip().partition(" ")
        self.chain.append(address)
        self.outermost = rest.split("+")[0].split(" ")[0]


def samples_of(text):
    found = []
    for line in text.splitlines():
        if line.startswith("\t"):
            found[-1].add(line)
        elif line.strip():
            found.append(Sample(line))
    return found


def is_same(ours, theirs, copied):
    """Also where an address is in no mapping to fgread: while the kernel executes another program,
    the chain is still the old one's, whose mappings fgread has dropped and perf keeps. Of a copied
    stack fgread may find more: perf ends it at any clone3, which may be the parent's."""
    unmapped = 10  # digits of addresses, more than of places in files
    return (len(ours) == len(theirs) or copied and len(ours) > len(theirs)) and all(
        a == b or (len(a) > unmapped and a[-PAGE_DIGITS:] == b[-PAGE_DIGITS:])
        for a, b in zip(ours, theirs))


def run(command, path):
    with open(path, "rb") if path.is_file() else open(os.devnull, "rb") as opened:
        done = subprocess.run(command, stdin=opened, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
    return samples_of(done.stdout.decode(errors="replace")), done.stderr.decode(errors="replace")


def compare(fgread, name, options, path):
    """Whether all is the same, and what to say."""
    ours, our_words = run([fgread, "-f", "script", "--no-inline", "--stitch", "off", str(path)],
                          path)
    theirs_of = closed_copy(path) if name.startswith("killed") and "zstd" not in name else path
    source = "-" if options[-2:] == ["-o", "-"] else str(theirs_of)
    theirs, their_words = run(["perf", "script", "-f", "--no-inline", "--max-stack", "1024", "-i",
                               source], theirs_of)
    if not theirs:
        return None, f"perf script prints nothing ({their_words.strip()[:90]}); fgread: {len(ours)}"
    text = f"{len(ours)} samples"
    heads = collections.Counter(sample.head for sample in ours)
    heads.subtract(sample.head for sample in theirs)
    if any(heads.values()):
        odd = [head for head, count in heads.items() if count][:2]
        return False, f"{text}, perf {len(theirs)}; for example {odd}"
    by_head = collections.defaultdict(list)
    for sample in ours:
        by_head[sample.head].append((sample.place, sample.chain))
    copied = "dwarf" in " ".join(options)
    # A word of -1 where a frame pointer led astray is an unknown context to perf, which then drops
    # the whole chain; fgread keeps what stands before it.
    dropped = sum(not sample.chain and not sample.place for sample in theirs)
    judged = [sample for sample in theirs if (sample.chain or sample.place) and
              (not copied or sample.outermost in STARTS)]
    same = sum(any(place == sample.place and is_same(chain, sample.chain, copied)
                   for place, chain in by_head[sample.head]) for sample in judged)
    chains = len([sample for sample in ours if len(sample.chain) > 1])
    text += f", the same; {same} of {len(judged)} chains the same ({chains} of more than one frame)"
    if dropped:
        text += f"; perf drops {dropped}"
    if any("lost" in line for line in (our_words + their_words).lower().splitlines()):
        text += "; some lost"
    enough = same == len(judged) if not copied else same >= SAME_STACKS * len(judged)
    return enough, text


def main(fgread, directory, *names):
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    counts = collections.Counter()
    for name, options in CASES.items():
        if names and name not in names:
            continue
        path = directory / f"{name}.data"
        recorded, said = record(name, options, path)
        if not recorded:
            counts["not recorded"] += 1
            print(f"-      {name}: not recorded here: {said[:100]}", flush=True)
            continue
        same, text = compare(fgread, name, options, path)
        verdict = "no judge" if same is None else "same" if same else "DIFFERENT"
        counts[verdict] += 1
        print(f"{verdict:<9} {name}: {text}", flush=True)
    print(", ".join(f"{count} {what}" for what, count in counts.items()))
    return 1 if counts["DIFFERENT"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
