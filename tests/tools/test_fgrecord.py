#!/usr/bin/env python3
"""fgrecord's arguments, messages and results, with a perf of our own and, where it can record, with
the real one.   test_fgrecord.py FGRECORD RECORDING"""

import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import time

from fake_program import FakePrograms, recorder
from fgread_runner import TIMEOUT, Tap, Tool

FAILS = """
sys.stderr.write("Error:\\n{message}\\n")
sys.exit(255)
"""
# Ends as perf does: completes its file when interrupted, and dies of the signal.
WAITS = """
import shutil
def end(number, frame):
    shutil.copy({recording!r}, arguments[arguments.index("-o") + 1])
    os.kill(os.getpid(), signal.SIGTERM)
signal.signal(signal.SIGINT, end)
with open({ready!r}, "w"): pass
time.sleep(60)
"""


def value(call, option):
    arguments = call["arguments"]
    return arguments[arguments.index(option) + 1] if option in arguments else None


def check_help(tap, fgrecord):
    run = fgrecord("--version")
    tap.check(run.status == 0 and run.out.startswith(b"fgrecord "), "--version", run)
    run = fgrecord("--help")
    text = run.out.decode()
    tap.check(run.status == 0 and not run.err, "--help says everything on stdout", run)
    tap.check(max(map(len, text.splitlines())) <= 100, "--help fits a terminal of 100 columns")


def check_usage(tap, fgrecord):
    for name, arguments, words in (
            ("nothing to record", [], "what is to be recorded"),
            ("two things to record", ["-a", "--", "true"], "exclude each other"),
            ("no such option", ["--bogus", "true"], "no such option"),
            ("an option of comparisons", ["--negate", "true"], "--negate: there is no such option"),
            ("an unknown ending", ["-o", "x.png", "true"], "give --format"),
            ("a process that is no number", ["-p", "init"], "not a process number"),
            ("too much stack", ["--stack-size", "70000", "true"], "--stack-size"),
            ("a bad picture", ["--minwidth", "wide", "true"], "--minwidth"),
            ("an unknown format", ["-f", "png", "true"], "there is no 'png'"),
            ("nothing to turn", ["-r", "-o", "x.pb.gz", "true"], "--reverse is for"),
            ("no file to open", ["--open", "-o", "-", "true"], "--open wants a file")):
        run = fgrecord(*arguments)
        tap.check(run.status == 2 and words in run.err, f"wrong usage: {name}", run)


def check_arguments(tap, fgrecord, programs, recording):
    programs.add("perf", recorder(recording))
    run, calls = programs.run("-e", "cpu-clock", "echo", "a b", "--", "-x")
    svg = fgrecord.file("flamegraph.svg")
    tap.check(run.status == 0 and svg.is_file() and b"<svg" in svg.read_bytes(),
              "a command gives flamegraph.svg", run)
    tap.check(run.out == b"a b -- -x\n", "the command gets its arguments as they are", run)
    call = calls[0] if calls else {"arguments": ["none"]}
    tap.check(len(calls) == 1 and call["arguments"][0] == "record", "perf record runs once", calls)
    for option, expected in (("-e", "cpu-clock"), ("-F", "997"), ("--call-graph", "dwarf,16384"),
                             ("-k", "mono")):
        tap.check(value(call, option) == expected, f"by default {option} {expected}", call)
    tap.check("-N" in call["arguments"], "without copies in ~/.debug", call)
    tap.check(not pathlib.Path(value(call, "-o")).parent.exists(), "the recording is removed", call)

    run, calls = programs.run("-e", "cycles:u", "-F", "99", "--stack-size", "65528", "-m", "8M", "-p",
                              str(os.getpid()), "-o", "out.folded")
    call = calls[0]
    good = [value(call, option) for option in ("-e", "-F", "--call-graph", "-m", "-p")] == [
        "cycles:u", "99", "dwarf,65528", "8M", str(os.getpid())]
    tap.check(good and run.status == 0, "options go to perf", call)
    stacks = fgrecord.file("out.folded").read_text()
    tap.check(stacks and all(line.rpartition(" ")[2].isdigit() for line in stacks.splitlines()),
              "the ending .folded gives folded stacks", stacks)
    for name, start in (("page.html", b"<!DOCTYPE html>"), ("picture.svg", b"<?xml"),
                        ("text.txt", stacks.encode()[:20]), ("out.jsonl", b'{"comm":"'),
                        ("out.speedscope.json", b'{"$schema"'), ("out.pb.gz", b"\x1f\x8b")):
        run, _ = programs.run("-e", "cpu-clock", "-o", name, "--", "true")
        data = fgrecord.file(name).read_bytes()
        tap.check(run.status == 0 and data[:20].lower().startswith(start[:10].lower()),
                  f"the ending of {name}", data[:40])
    run, _ = programs.run("-e", "cpu-clock", "-q", "-o", "-", "-f", "folded", "true")
    tap.check(run.out.decode() == stacks and not run.err, "-o - and --quiet", run)
    for options, unit in (([], " context-switches, 100%)"),
                          (["--countname", "ticks"], " ticks, 100%)")):
        run, _ = programs.run("-e", "cpu-clock", *options, "-o", "unit.svg", "true")
        tap.check(unit in fgrecord.file("unit.svg").read_text(), f"what is counted: {options}", run)
    programs.add("xdg-open", "")
    run, calls = programs.run("-e", "cpu-clock", "--open", "-o", "shown.svg", "true")
    tap.check(run.status == 0 and calls[-1]["arguments"] == ["shown.svg"],
              "--open shows the picture", calls)
    run, calls = programs.run("-e", "cpu-clock", "-a", "-d", "5", "-o", "all.svg")
    tap.check(run.status == 0 and "-a" in calls[0]["arguments"], "-a records all processors", run)


def check_off_cpu(tap, fgrecord, programs, recording):
    """The fake's recording has context switches, but no clock."""
    programs.add("perf", recorder(recording))
    run, calls = programs.run("--off-cpu", "-o", "off.svg", "true")
    if "may not sample" in run.err:
        good = run.status == 1 and not calls and "perf_event_paranoid" in run.err
        tap.check(good, "who may not sample switches is told why", run)
        return tap.skip("fgrecord --off-cpu", "this user may not sample context switches")
    events = [after for option, after in zip(calls[0]["arguments"], calls[0]["arguments"][1:])
              if option == "-e"]
    good = events == ["context-switches/period=1/"] and "--switch-events" in calls[0]["arguments"]
    tap.check(run.status == 0 and good, "--off-cpu records switches, and nothing else", calls)
    picture = fgrecord.file("off.svg").read_text()
    tap.check("Off-CPU Flame Graph" in picture and " ms, 100%)" in picture,
              "--off-cpu draws milliseconds off CPU", picture[:3000])
    run, calls = programs.run("--wall", "-F", "99", "-o", "wall.svg", "true")
    arguments = calls[0]["arguments"]
    tap.check(value(calls[0], "-e") == "cpu-clock" and value(calls[0], "-F") == "99"
              and "context-switches/period=1/" in arguments, "--wall records a clock, too", calls)
    tap.check(run.status == 1 and "no samples of a clock" in run.err,
              "what a recording lacks is told", run)
    for arguments in (["--off-cpu", "--wall", "true"], ["--off-cpu", "-e", "cycles", "true"]):
        run = fgrecord(*arguments)
        tap.check(run.status == 2, " ".join(arguments) + " is wrong usage", run)


def check_keep(tap, fgrecord, programs, recording):
    programs.add("perf", recorder(recording))
    for option, name in (("--keep", "perf.data"), ("--keep=my.data", "my.data")):
        run, _ = programs.run("-e", "cpu-clock", option, "true")
        kept = fgrecord.file(name)
        good = kept.is_file() and kept.read_bytes() == pathlib.Path(recording).read_bytes()
        tap.check(good and f"kept {name}" in run.err, f"{option} keeps {name}", run)


def check_outcomes(tap, fgrecord, programs, recording):
    programs.add("perf", recorder(recording))
    run, _ = programs.run("-e", "cpu-clock", "sh", "-c", "exit 7")
    tap.check(run.status == 0 and "exit status 7" in run.err, "the command's status is told", run)
    run, _ = programs.run("-e", "cpu-clock", "-o", "/nonexistent/a.svg", "true")
    tap.check(run.status == 1 and "/nonexistent/a.svg" in run.err and "recording" not in run.err,
              "an output that cannot be is told before the recording", run)
    for name, words in (("./nothing", "command not found"), ("calls", "command not found")):
        run, calls = programs.run("-e", "cpu-clock", name)
        tap.check(run.status == 1 and words in run.err and not calls, f"no command {name}", run)
    program = fgrecord.write("here", b"#!/bin/sh\n")
    program.chmod(0o755)
    run, _ = programs.run("-e", "cpu-clock", "here")
    tap.check(run.status == 1 and "./here" in run.err, "a command of this directory", run)
    run, _ = programs.run("-e", "cpu-clock", "-p", "4194305")
    tap.check(run.status == 1 and "no process 4194305" in run.err, "no such process", run)
    empty = fgrecord.file("empty")
    empty.mkdir()
    run = fgrecord("-e", "cpu-clock", sys.executable, env={**os.environ, "PATH": str(empty)})
    tap.check(run.status == 1 and "perf is not installed: " in run.err, "no perf", run)
    run, _ = programs.run("--perf", "/nonexistent/perf", "-e", "cpu-clock", "true")
    tap.check(run.status == 1 and "/nonexistent/perf" in run.err, "no perf of that name", run)


def check_failures(tap, fgrecord, programs):
    svg = fgrecord.file("kept.svg")
    svg.write_text("old")
    for message, remedy in (
            ("Consider adjusting perf_event_paranoid", "perf_event_paranoid|--cap-add"),
            ("event syntax error: 'x'", "perf list"),
            ("WARNING: perf not found for kernel 6.1", "linux-tools-$(uname -r)"),
            ("Permission error mapping pages.", "perf_event_mlock_kb"),
            ("write: No space left on device", "TMPDIR"),
            ("something else", "perf: something else")):
        programs.add("perf", FAILS.format(message=message))
        for subject in (["true"], ["-p", str(os.getpid())]):
            run, _ = programs.run("-e", "x", "-o", svg, *subject)
            good = any(word in run.err for word in remedy.split("|"))
            tap.check(run.status == 1 and good, f"{message}, {subject[0]}", run)
    tap.check(svg.read_text() == "old", "a failure leaves the old output")


def check_interrupt(tap, fgrecord, programs, recording):
    ready = fgrecord.file("ready")
    programs.add("perf", WAITS.format(recording=str(recording), ready=str(ready)))
    for number in (signal.SIGINT, signal.SIGTERM):
        ready.unlink(missing_ok=True)
        output = fgrecord.file(f"{number}.svg")
        process = subprocess.Popen([fgrecord.path, "-e", "cpu-clock", "-a", "-o", output],
                                   env=programs.environment(), stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + TIMEOUT
        while not ready.exists() and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(number)
        _, messages = process.communicate(timeout=TIMEOUT)
        tap.check(process.returncode == 0 and output.is_file(),
                  f"{number.name} ends the recording, not the tool", messages)
    run, _ = programs.run("-e", "cpu-clock", "-a", "-d", "0.5", "-o", "time.svg")
    tap.check(run.status == 0 and fgrecord.file("time.svg").is_file(), "--duration ends it", run)


def check_scratch(tap, fgrecord, programs, recording):
    scratch = fgrecord.file("scratch")
    scratch.mkdir()
    tells_mode = "print(oct(os.stat(os.path.dirname(arguments[arguments.index('-o') + 1])).st_mode))"
    programs.add("perf", recorder(recording).replace("sys.exit(status)", tells_mode))
    run, calls = programs.run("-e", "cpu-clock", "true", env={"TMPDIR": str(scratch)})
    tap.check(value(calls[0], "-o").startswith(f"{scratch}/"), "recordings go to TMPDIR", calls)
    mode = int(run.out, 8)
    tap.check(stat.S_IMODE(mode) == 0o700, "where nobody else may look", run)
    tap.check(not list(scratch.iterdir()), "and nothing is left there")
    run, _ = programs.run("-e", "cpu-clock", "true", env={"TMPDIR": "/nonexistent"})
    tap.check(run.status == 1 and "TMPDIR" in run.err, "a TMPDIR that is not there", run)


def check_real(tap, fgrecord):
    """Without -e: the event is that of this machine."""
    name = "a real recording"
    perf = shutil.which("perf")
    probe = perf and subprocess.run([perf, "record", "-o", fgrecord.file("probe"), "true"],
                                    capture_output=True)
    if not perf or probe.returncode != 0:
        return tap.skip(name, "perf cannot record here")
    burn = "n = 0\nfor i in range(6000000): n += i\n"
    run = fgrecord("-o", "real.folded", sys.executable, "-c", burn)
    good = run.status == 0 and run.err.count("wrote real.folded") == 1
    tap.check(good and fgrecord.file("real.folded").read_text().count(";") > 2, name, run)
    run = fgrecord("-o", "real.svg", "--", sys.executable, "-c", burn)
    svg = fgrecord.file("real.svg")
    tap.check(run.status == 0 and b"python" in svg.read_bytes(), "and its flame graph", run)
    loop = "for ((i = 0; i < 400000; i++)); do :; done"
    run = fgrecord("-o", "bash.svg", "bash", "-c", loop)  # as Debian builds it, without -g
    good = "bash: has no debug information" in run.err and "compile it with -g" in run.err
    tap.check(run.status == 0 and good, "a program without debug information", run)
    run = fgrecord("-o", "none.svg", "/nonexistent/program")
    tap.check(run.status == 1 and not fgrecord.file("none.svg").exists(), "no such command", run)


def main(fgrecord, recording):
    tap = Tap()
    fgrecord = Tool(fgrecord)
    recording = str(pathlib.Path(recording).resolve())
    programs = FakePrograms(fgrecord)
    check_help(tap, fgrecord)
    check_usage(tap, fgrecord)
    check_arguments(tap, fgrecord, programs, recording)
    check_off_cpu(tap, fgrecord, programs, recording)
    check_keep(tap, fgrecord, programs, recording)
    check_outcomes(tap, fgrecord, programs, recording)
    check_failures(tap, fgrecord, programs)
    check_interrupt(tap, fgrecord, programs, recording)
    check_scratch(tap, fgrecord, programs, recording)
    check_real(tap, fgrecord)
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
