#!/usr/bin/env python3
"""What fgread makes of recordings: roots, order of frames, events, weights, kernel.

test_fgread_folding.py FGREAD
"""

import random
import sys
from collections import Counter

from fgread_runner import Tap, Tool
from recording import (CONTEXT_KERNEL, CONTEXT_USER, GUEST_KERNEL, GUEST_USER, KERNEL, USER, Event,
                       Recording)

PROG = 0x400000
LIB = 0x7f00_0000_0000
KERNEL_TEXT = 0xffff_ffff_8100_0000
KERNEL_IP = KERNEL_TEXT + 0x1010
NOWHERE = 0x1000


def process(recording, pid, name="prog"):
    recording.comm(pid, name, exec_=True)
    recording.mmap(pid, "/nonexistent/prog", PROG, 0x10000)
    recording.mmap(pid, "/nonexistent/libx.so.1", LIB, 0x10000)
    return recording


def kernel(recording):
    recording.mmap(-1, "[kernel.kallsyms]_text", KERNEL_TEXT, 0x1000000, KERNEL_TEXT, misc=KERNEL)
    return recording


def prog(*frames):
    return [CONTEXT_USER, *(PROG + 0x1000 + frame for frame in frames)]


class Folding:
    def __init__(self, tap, fgread):
        self.tap, self.fgread = tap, fgread

    def run(self, recording, *arguments):
        return self.fgread(recording.write(self.fgread.file("folding.data")), *arguments)

    def expect(self, name, recording, output, *arguments):
        run = self.run(recording, *arguments)
        expected = "".join(f"{line}\n" for line in output).encode(errors="surrogateescape")
        self.tap.check(run.status == 0 and run.out == expected, name, f"{expected}\n{run}")
        return run


def check_frames(folding):
    recording = process(Recording(), 7)
    recording.sample(7, [CONTEXT_USER, LIB + 0x1000, PROG + 0x1000])
    folding.expect("frames go from the root to the leaf", recording, ["prog;[prog];[libx.so.1] 1"])
    recording = process(Recording(), 7)
    recording.sample(7, [CONTEXT_USER, NOWHERE, PROG + 0x1000])
    folding.expect("an address in no mapping is [unknown]", recording,
                   ["prog;[prog];[unknown] 1"])
    recording.sample(7, [CONTEXT_USER, NOWHERE + 1, PROG + 0x1000])
    folding.expect("all of them are one frame", recording, ["prog;[prog];[unknown] 2"])
    folding.expect("--addrs keeps them apart", recording,
                   ["prog;[prog <fff>];[unknown <1000>] 1",
                    "prog;[prog <fff>];[unknown <1001>] 1"], "--addrs")
    recording = process(Recording([Event(chain=False)]), 7)
    recording.sample(7, ip=PROG + 0x1000, period=3)
    folding.expect("a sample without a chain is its leaf", recording, ["prog;[prog] 3"])
    run = folding.run(recording)
    folding.tap.check("recorded without call graphs" in run.err, "which is said", run)
    recording = process(Recording(), 7)
    recording.sample(7, [], ip=PROG + 0x1000, period=4)
    folding.expect("a sample of an empty chain is its leaf", recording, ["prog;[prog] 4"])
    run = folding.run(recording)
    folding.tap.check("without call graphs" not in run.err, "and nothing is wrong with it", run)
    recording = process(Recording(), 7)
    recording.sample(7, prog(*range(0, 16 * 2000, 16)))
    run = folding.run(recording)
    folding.tap.check(run.status == 0 and run.lines == ["prog;" + ";".join(["[prog]"] * 2000) + " 1"],
                      "a chain of 2000 frames", run)


def check_kernel_functions(folding):
    """BPF programs and trampolines: KSYMBOL records; the pages of Linux 4.15 to enter by."""
    bpf = 0xffff_ffff_c000_1000
    recording = kernel(process(Recording(local=False), 7))
    recording.sample(7, [CONTEXT_KERNEL, bpf, *prog(0)], misc=KERNEL)
    recording.tick()
    recording.ksymbol("bpf_prog_6deef7357e7b4530_sched", bpf, 0x100)
    recording.sample(7, [CONTEXT_KERNEL, bpf + 0x10, KERNEL_IP, *prog(0)], misc=KERNEL)
    folding.expect("a BPF program has its name from the moment it is there", recording,
                   ["prog;[prog];[kernel];bpf_prog_6deef7357e7b4530_sched 1",
                    "prog;[prog];[unknown] 1"])
    recording.ksymbol("odd;\x1b[name", bpf, 0x100)
    recording.sample(7, [CONTEXT_KERNEL, bpf + 0x10], misc=KERNEL)
    run = folding.run(recording, "--annotate")
    folding.tap.check("prog;odd:\\x1b[name_[k] 1" in run.lines, "a program with an evil name", run)

    recording = kernel(process(Recording(local=False), 7))
    trampoline = 0xffff_fe00_0000_6000
    for cpu in range(2):
        recording.mmap(-1, "__entry_SYSCALL_64_trampoline", trampoline + 0x1000 * cpu, 0x1000,
                       KERNEL_TEXT + 0x2000, misc=KERNEL)
        recording.sample(7, [CONTEXT_KERNEL, trampoline + 0x1000 * cpu + 0x10, *prog(0)],
                         misc=KERNEL)
    shift = 0x10_0000
    listing = (f"{KERNEL_TEXT - shift:x} T _text\n{KERNEL_TEXT - shift + 0x2000:x} "
               "t entry_SYSCALL_64_trampoline\n")
    kallsyms = folding.fgread.write("kallsyms", listing.encode())
    folding.expect("the entry pages of all processors show the code they are a copy of", recording,
                   ["prog;[prog];entry_SYSCALL_64_trampoline 2"], "--kallsyms", kallsyms)


def check_selection(folding):
    recording = process(process(Recording([Event(), Event("faults", 2)]), 7), 8, "other")
    recording.sample(7, prog(0), period=1)
    recording.sample(7, prog(0), tid=9, period=2)
    recording.sample(8, prog(0), period=4)
    recording.sample(8, prog(0), period=8, event=1)
    for options, total in [(["--pid", "7"], 3), (["--pid", "1-7,9"], 3), (["--tid", "9"], 2),
                           (["--pid", "8", "--tid", "7"], 0), (["--comm", "oth*"], 4),
                           (["--comm", "prog", "--comm", "other"], 7), (["--time", "0%-100%"], 7),
                           (["--time", "0.000002,0.000003"], 3), (["--time", "33%/1"], 1)]:
        run = folding.run(recording, *options)
        folding.tap.check(run.status == 0 and run.total == total, " ".join(options), run)
    run = folding.run(recording, "--pid", "6")
    folding.tap.check("none of the recording's 4 samples is selected" in run.err,
                      "that nothing is selected is said", run)
    folding.expect("several roots", recording,
                   ["cpu-clock;other;other-8;[prog] 4", "cpu-clock;prog;prog-7;[prog] 3",
                    "faults;other;other-8;[prog] 8"], "--group-by", "event,comm,pid")
    run = folding.run(recording, "--list-events")
    folding.tap.check(run.lines == ["         3  cpu-clock", "         1  faults"],
                      "--list-events", run)
    for options in (["--pid", "x"], ["--time", "10"], ["--cpu", "3-1"], ["--group-by", "comm,"],
                    ["--call-graph", "moon"]):
        run = folding.run(recording, *options)
        folding.tap.check(run.status == 2 and options[0] in run.err and not run.out,
                          "wrong: " + " ".join(options), run)
    run = folding.run(recording, "--cpu", "0")
    folding.tap.check(run.status == 1 and "--sample-cpu" in run.err,
                      "--cpu of samples without a CPU", run)


def check_kernel(folding):
    recording = kernel(process(Recording(), 7))
    recording.sample(7, [CONTEXT_KERNEL, KERNEL_IP, KERNEL_IP + 0x100, *prog(0, 16)], misc=KERNEL)
    recording.sample(7, prog(0), period=5)
    symbols = folding.fgread.write("kallsyms", "".join(
        f"{KERNEL_TEXT + offset:016x} {kind} {name}\n" for offset, kind, name in
        [(0, "T", "_text"), (0x1000, "T", "do_page_fault"), (0x1100, "t", "asm_exc_page_fault"),
         (0x2000, "T", "behind")]).encode())
    named = ["prog;[prog] 5", "prog;[prog];[prog];asm_exc_page_fault;do_page_fault 1"]
    folding.expect("kernel frames stand on top of user frames", recording, named, "--kallsyms",
                   symbols)
    folding.expect("--hide-kernel", recording, ["prog;[prog] 5", "prog;[prog];[prog] 1"],
                   "--hide-kernel")
    folding.expect("--hide-user", recording,
                   ["prog 5", "prog;asm_exc_page_fault;do_page_fault 1"], "--kallsyms", symbols,
                   "--hide-user")
    folding.expect("--hide-user --hide-kernel", recording, ["prog 6"], "--hide-user",
                   "--hide-kernel")
    folding.expect("--annotate marks kernel frames", recording,
                   ["prog;[prog] 5",
                    "prog;[prog];[prog];asm_exc_page_fault_[k];do_page_fault_[k] 1"],
                   "--kallsyms", symbols, "--annotate")
    folding.expect("--annotate=jit does not", recording,
                   ["prog;[prog] 5", "prog;[prog];[prog];asm_exc_page_fault;do_page_fault 1"],
                   "--kallsyms", symbols, "--annotate=jit")
    folding.expect("--annotate=kernel does", recording,
                   ["prog;[prog] 5",
                    "prog;[prog];[prog];asm_exc_page_fault_[k];do_page_fault_[k] 1"],
                   "--kallsyms", symbols, "--annotate=kernel")
    recording = kernel(process(Recording(), 7))
    recording.sample(7, [CONTEXT_KERNEL, KERNEL_IP], misc=KERNEL)
    folding.expect("a kernel thread has kernel frames only", recording, ["prog;do_page_fault 1"],
                   "--kallsyms", symbols)
    restricted = folding.fgread.write("kallsyms0", b"".join(
        b"0000000000000000 T symbol%d\n" % i for i in range(1000)))
    run = folding.expect("a kallsyms of zeros names nothing", recording, ["prog;[kernel] 1"],
                         "--kallsyms", restricted)
    folding.tap.check("kallsyms" in run.err, "and the message says so", run)
    foreign = kernel(process(Recording(local=False), 7))
    foreign.sample(7, [CONTEXT_KERNEL, KERNEL_IP], misc=KERNEL)
    run = folding.expect("the local kernel does not name another machine's samples", foreign,
                         ["prog;[kernel] 1"])
    folding.tap.check("--kallsyms" in run.err, "and the message says what to do", run)
    folding.expect("a given kallsyms does", foreign, ["prog;do_page_fault 1"], "--kallsyms",
                   symbols)
    recording = process(Recording(), 7)
    recording.sample(7, prog(0), period=3)
    recording.sample(7, prog(0), misc=GUEST_USER)
    recording.sample(7, prog(0), misc=GUEST_KERNEL)
    run = folding.expect("samples of guests are left out", recording, ["prog;[prog] 3"], "--stats")
    folding.tap.check("2 of guests left out" in run.err, "and counted", run)


def check_groups(folding):
    recording = process(Recording(), 7, "my prog")
    recording.comm(7, "worker 1", tid=8)
    recording.sample(7, prog(0), period=1)
    recording.sample(7, prog(0), tid=8, period=2)
    process(recording, 20, "my prog").sample(20, prog(0), period=4)
    folding.expect("the root is the thread's name with its blanks as _", recording,
                   ["my_prog;[prog] 5", "worker_1;[prog] 2"])
    folding.expect("--group-by comm", recording, ["my_prog;[prog] 5", "worker_1;[prog] 2"],
                   "--group-by", "comm")
    folding.expect("--group-by pid", recording,
                   ["my_prog-20;[prog] 4", "my_prog-7;[prog] 1", "worker_1-7;[prog] 2"],
                   "--group-by", "pid")
    folding.expect("--group-by tid", recording,
                   ["my_prog-20/20;[prog] 4", "my_prog-7/7;[prog] 1", "worker_1-7/8;[prog] 2"],
                   "--group-by", "tid")


def check_names_in_time(folding):
    recording = process(Recording(), 7, "before")
    recording.sample(7, prog(0), period=1)
    recording.tick()
    recording.comm(7, "after")
    recording.sample(7, prog(0), period=2)
    folding.expect("a name counts from when it was given", recording,
                   ["after;[prog] 2", "before;[prog] 1"])
    recording = process(Recording(), 7, "parent")
    recording.tick()
    recording.fork(9, 7)
    recording.sample(9, prog(0), period=1)
    recording.tick()
    recording.comm(9, "child", exec_=True)
    recording.mmap(9, "/nonexistent/other", PROG, 0x10000)
    recording.sample(9, prog(0), period=2)
    folding.expect("a child has its parent's name and maps until it calls exec", recording,
                   ["child;[other] 2", "parent;[prog] 1"])
    recording = Recording()
    recording.sample(7, prog(0), tid=9)
    folding.expect("a thread nobody named is its tid", recording, [":9;[unknown] 1"])
    recording = process(Recording(), 7, "a;b\nc")
    recording.sample(7, prog(0))
    folding.expect("a name cannot break a line or a stack", recording, ["a:b_c;[prog] 1"])
    recording = process(Recording(), 7, b"caf\xc3\xa9\xff")
    recording.sample(7, prog(0))
    folding.expect("bytes of a name that are no ASCII stay", recording,
                   [b"caf\xc3\xa9\xff;[prog] 1".decode(errors="surrogateescape")])


def three_events():
    events = [Event("cycles", 1), Event("page-faults", 2, config=2), Event("sched:sched_switch", 3,
                                                                            kind=2, config=300)]
    return process(Recording(events), 7)


def check_events(folding):
    recording = three_events()
    recording.sample(7, prog(0), period=20, event=1)
    recording.sample(7, prog(0, 16), period=30, event=2)
    recording.sample(7, prog(0), period=21, event=1)
    run = folding.expect("the first event with samples is folded", recording, ["prog;[prog] 41"])
    folding.tap.check("1 sample of event 'sched:sched_switch'" in run.err and "--event" in run.err,
                      "what was left out is named, with the option that selects it", run)
    folding.tap.check("3 samples of all events: " in run.err, "the summary is of all events", run)
    folding.tap.check("cycles" not in run.err, "an event without samples is not worth a word", run)
    folding.expect("--event takes a name", recording, ["prog;[prog];[prog] 30"], "--event",
                   "sched:sched_switch")
    folding.expect("--event takes a glob", recording, ["prog;[prog];[prog] 30"], "--event",
                   "sched:*")
    run = folding.expect("a glob may match several events", recording,
                         ["prog;[prog] 41", "prog;[prog];[prog] 30"], "--event", "*")
    folding.tap.check("not in the output" not in run.err and "3 samples: " in run.err,
                      "then nothing is left out", run)
    folding.tap.check("'page-faults': 2 samples, weight 41" in run.err and
                      "'sched:sched_switch': 1 sample, weight 30" in run.err,
                      "what each event contributes is said", run)
    folding.expect("an event without samples gives nothing", recording, [], "--event", "cycles")
    run = folding.run(recording, "--event", "instructions")
    folding.tap.check(run.status == 1 and not run.out and "page-faults" in run.err,
                      "an event that is not there: the message lists those that are", run)
    folding.expect("--weight samples counts", recording,
                   ["prog;[prog] 2", "prog;[prog];[prog] 1"], "--weight", "samples", "--event",
                   "*")
    folding.expect("--weight period adds up", recording, ["prog;[prog] 41"], "--weight", "period")
    big = three_events()
    for _ in range(2):
        big.sample(7, prog(0), period=2**62)
    folding.expect("weights use 64 bits", big, [f"prog;[prog] {2**63}"])
    zero = three_events()
    zero.sample(7, prog(0), period=0)
    zero.sample(7, prog(0, 16), period=1)
    folding.expect("a stack of weight 0 is left out", zero, ["prog;[prog];[prog] 1"])


def check_random(folding):
    """Everything at once, against a model of a few lines: no weight is lost, merged wrongly or
    out of order."""
    dice = random.Random(5)
    modules = [("/nonexistent/a b", PROG), ("/nonexistent/a", PROG + 0x100000),
               ("/nonexistent/a(b)", PROG + 0x200000), ("/nonexistent/lib+x.so", LIB),
               ("/nonexistent/\u00e9", LIB + 0x100000)]
    comms = ["a", "a b", "a(b", "a+", "a<", "Z", "_", "\u00e4"]
    for number in range(8):
        recording = Recording([Event("cycles", 1), Event("faults", 2)])
        expected = {"cycles": Counter(), "faults": Counter()}
        for pid, name in enumerate(comms, 100):
            recording.comm(pid, name, exec_=True)
            for path, start in modules:
                recording.mmap(pid, path, start, 0x10000)
        for i in range(4000):
            pid = dice.randrange(len(comms))
            frames = [dice.randrange(len(modules)) for _ in range(dice.randrange(1, 12))]
            event = dice.randrange(2)
            period = dice.randrange(1, 1000)
            chain = [modules[frame][1] + 16 + dice.randrange(50) for frame in reversed(frames)]
            recording.sample(pid + 100, [CONTEXT_USER, *chain], period=period, event=event)
            names = [comms[pid].replace(" ", "_")]
            names += ["[" + modules[frame][0].rpartition("/")[2] + "]" for frame in frames]
            expected[["cycles", "faults"][event]][";".join(names).encode()] += period
            if i % 100 == 0:
                recording.finished_round()
        for event, stacks in expected.items():
            text = b"".join(b"%s %d\n" % (key, stacks[key]) for key in sorted(stacks))
            run = folding.run(recording, "--event", event, "-j", 1 + number % 3)
            folding.tap.check(run.status == 0 and run.out == text,
                              f"random recording {number}, {event}: {len(stacks)} stacks, "
                              f"weight {sum(stacks.values())}",
                              f"got weight {run.total} in {len(run.lines)} lines\n{run.err}")


def main(path):
    tap = Tap()
    folding = Folding(tap, Tool(path))
    for check in (check_frames, check_selection, check_kernel, check_kernel_functions, check_groups, check_names_in_time, check_events,
                  check_random):
        check(folding)
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1])
