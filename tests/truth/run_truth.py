#!/usr/bin/env python3
"""Records test programs and has their stacks judged; one TAP line a program.

  run_truth.py frame-pointers RECORDER JUDGE PROGRAM...   the kernel's chain is the truth
  run_truth.py hidden-rules RECORDER JUDGE PROGRAM...     the walk by its rules is the truth
  run_truth.py hidden-code RECORDER JUDGE PROGRAM...      the same of what decoding the code finds
  run_truth.py stitching RECORDER JUDGE CUTTER PROGRAM... the walk of the whole dump is the truth
  run_truth.py recorded-chain RECORDER JUDGE CUTTER PROGRAM... the same of what the kernel's chain adds
  run_truth.py libdw RECORDER JUDGE PROGRAM...            libdw is the judge
  run_truth.py gdb GDB_SCRIPT JUDGE PROGRAM...            gdb's backtrace is the truth

Programs are told apart by their file names; recordings live in a temporary directory.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIP = 77
TIMEOUT_S = 120

# Deep stacks and two stacks need the largest dump, and then fewer samples: each is 64 KiB.
LARGEST_DUMP = ["-F", "999", "--stack", "65528"]
RECORDER_OPTIONS = {
    "truth_cfi_signals": LARGEST_DUMP,
    "truth_fp_recursion": LARGEST_DUMP,
}
# Symbols of the crate itself; the precompiled standard library has no frame pointers.
OWN_SYMBOLS = {"truth_fp_rust": "truth_fp_rust"}
BREAKPOINTS = {
    "truth_cfi_calls": "over_aligned,with_alloca,text,leave,rarely,tail_first",
    "truth_cfi_exceptions": "dive,_Unwind_RaiseException,__cxa_begin_catch",
    "truth_cfi_signals": "nested,on_usr1,on_usr2,on_alarm,compare",
}
GDB_STOPS, GDB_STEPS = 20, 40
# Bytes; the programs' stacks are shallow. Of those that are deeper than this, some must be stitched.
CUT_DUMP = "2048"
STITCHED = {"truth_cfi_passes": 50, "truth_cfi_rust": 50}
# Leaves a frame or two.
CHAIN_DUMP = "256"


class Skipped(Exception):
    pass


class Failed(Exception):
    pass


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=TIMEOUT_S, check=False, **options)
    for line in done.stdout.splitlines():
        print("# " + line)
    if done.returncode == SKIP:
        raise Skipped(done.stdout.strip().splitlines()[-1])
    return done


def record(recorder, program, output, options=None):
    options = options or RECORDER_OPTIONS.get(program.name, [])
    if run([recorder, "-o", output, *options, "--", program]).returncode != 0:
        raise Failed("recording failed")


def judge_together(recorder, judge_program, programs, output):
    """One recording of several processes, which have the same libraries at other addresses."""
    background = "".join(f"'{program}' & " for program in programs)
    if run([recorder, "-o", output, "--", "sh", "-c", background + "wait"]).returncode != 0:
        raise Failed("recording failed")
    if run([judge_program, output]).returncode != 0:
        raise Failed("see above")


def snapshots(script, program, output):
    gdb = shutil.which("gdb")
    if not gdb:
        raise Skipped("gdb is not installed")
    environment = dict(os.environ, TRUTH_OUTPUT=str(output), TRUTH_STOPS=str(GDB_STOPS),
                       TRUTH_STEPS=str(GDB_STEPS), TRUTH_BREAKPOINTS=BREAKPOINTS[program.name])
    done = subprocess.run([gdb, "-batch", "-nx", "-x", script, "--args", program, "60000"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S, check=False,
                          env=environment)
    if "ptrace" in done.stdout and "not permitted" in done.stdout:
        raise Skipped("ptrace is not permitted here")
    if not output.exists():
        print("\n".join("# " + line for line in done.stdout.splitlines()[-20:]))
        raise Failed("gdb made no snapshots")


def with_cut_dumps(mode, source, judge_program, cutter, program, output):
    record(source, program, output, LARGEST_DUMP)
    cut = output.with_suffix(".cut")
    by_chain = mode == "recorded-chain"
    if run([cutter, output, cut, CHAIN_DUMP if by_chain else CUT_DUMP]).returncode != 0:
        raise Failed("cutting failed")
    arguments = ["--min-judged", str(STITCHED.get(program.name, 0))]
    if by_chain:
        arguments = ["--by", "chain"]
    if run([judge_program, output, cut, *arguments]).returncode != 0:
        raise Failed("see above")
    cut.unlink()


def judge(mode, source, judge_program, program, output):
    if mode == "gdb":
        snapshots(source, program, output)
        arguments = ["--chain", "whole"]
    else:
        record(source, program, output)
        arguments = []
    if mode == "hidden-rules":
        arguments = ["--module", program.name]
    if mode == "hidden-rules":
        arguments += ["--by", "frame-pointers"]
    if mode == "hidden-code":
        arguments = ["--by", "code"]
    if mode == "frame-pointers":
        arguments = ["--program", program]
        if program.name in OWN_SYMBOLS:
            arguments += ["--own", OWN_SYMBOLS[program.name]]
    if run([judge_program, output, *arguments]).returncode != 0:
        raise Failed("see above")


def tests_of(mode, source, judge_program, cutter, programs):
    """Name of the test, and what does it, given a path for its recording."""
    for program in programs:
        if cutter:
            yield program.name, lambda output, program=program: with_cut_dumps(
                mode, source, judge_program, *cutter, program, output)
        else:
            yield program.name, lambda output, program=program: judge(
                mode, source, judge_program, program, output)
    if mode == "libdw":
        yield "two processes", lambda output: judge_together(source, judge_program, programs[:2],
                                                             output)


def main():
    mode, source, judge_program = sys.argv[1:4]
    cutter = [sys.argv.pop(4)] if mode in ("stitching", "recorded-chain") else []
    programs = [pathlib.Path(name).resolve() for name in sys.argv[4:]]
    tests = list(tests_of(mode, source, judge_program, cutter, programs))
    print(f"1..{len(tests)}", flush=True)
    failures = 0
    with tempfile.TemporaryDirectory(prefix="fgread-truth-") as directory:
        for number, (what, test) in enumerate(tests, 1):
            output = pathlib.Path(directory) / "recording.data"
            name = f"{number} - {mode} {what}"
            try:
                test(output)
                print(f"ok {name}", flush=True)
            except Skipped as reason:
                print(f"ok {name} # SKIP {reason}", flush=True)
            except (Failed, subprocess.TimeoutExpired) as reason:
                print(f"not ok {name}: {reason}", flush=True)
                failures += 1
            output.unlink(missing_ok=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
