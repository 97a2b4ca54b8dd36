#!/usr/bin/env python3
"""fgread's arguments, output files, messages and statistics.   test_fgread_usage.py FGREAD"""

import json
import os
import signal
import stat
import struct
import subprocess
import sys
import time

from fgread_runner import TIMEOUT, Tap, Tool, died, without_commands
from recording import CONTEXT_USER, Event, Recording

OUTPUT = b"prog;[prog] 30\n"
STATS_KEYS = [
    "file_bytes", "input", "records", "samples", "lost_events", "filtered_samples", "guest_samples",
    "processes", "frames", "debug_frame_frames", "arm_exidx_frames", "sframe_frames",
    "analysed_frames", "frame_pointer_frames", "chain_frames",
    "stitched_frames", "longer_samples",
    "distinct_frames", "distinct_stacks", "unnamed_samples", "stop_reasons", "events", "modules", "problems"]
MODULE_KEYS = ["path", "state", "recorded_build_id", "file_build_id", "file", "debug_file",
               "samples", "stopped", "truncated", "no_cfi", "unnamed", "why", "debug_info", "remedy",
               "command"]


def simple():
    recording = Recording()
    recording.comm(7, "prog", exec_=True).mmap(7, "/nonexistent/prog", 0x400000, 0x10000)
    recording.sample(7, [CONTEXT_USER, 0x401000], period=10)
    recording.sample(7, [CONTEXT_USER, 0x402000], period=20)
    return recording


def many_stacks():
    """Enough output that a pipe cannot hold it."""
    recording = Recording()
    recording.mmap(7, "/nonexistent/prog", 0x400000, 0x10000)
    for i in range(20_000):
        recording.comm(7, f"t{i:05}")
        recording.sample(7, [CONTEXT_USER, 0x401000])
    return recording


def check_help(tap, fgread):
    run = fgread("--version")
    tap.check(run.status == 0 and run.out.startswith(b"fgread ") and not run.err, "--version", run)
    run = fgread("--help")
    tap.check(run.status == 0 and not run.err, "--help says everything on stdout", run)
    text = run.out.decode()
    for option in ("--output", "--event", "--weight", "--group-by", "--hide-kernel", "--hide-user",
                   "--annotate", "--addrs", "--names", "--inline", "--symfs", "--kallsyms", "--vmlinux",
                   "--jobs", "--max-memory", "--stats", "--stats-file", "--report", "--strict",
                   "--mark-truncated", "--stitch", "--quiet", "--version", "--help"):
        tap.check(option in text, f"--help knows {option}", text)
    tap.check("Examples" in text and "perf record" in text, "--help has examples", text)
    tap.check(all(len(line) <= 100 for line in text.splitlines()),
              "no line of --help is longer than 100 characters", text)
    headings = [line for line in text.splitlines() if line.endswith(":") and line[0] != " "]
    tap.check(len(headings) > 6, "--help is by topic", text)
    words = [line.split() for line in text.splitlines()]
    tap.check("Excludes" not in text and not any(len(word) == 1 and word[0] in ("or", "has", "the")
                                                 for word in words),
              "and has whole lines", text)


def check_terminal(tap, fgread, path):
    def said(**environment):
        master, slave = os.openpty()
        run = subprocess.run([fgread.path, path], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=slave, timeout=TIMEOUT,
                             env={"PATH": os.environ["PATH"], **environment})
        os.close(slave)
        text = os.read(master, 1 << 16)
        os.close(master)
        return run.returncode, text

    _, colored = said(TERM="xterm")
    tap.check(b"\033[1mfgread:\033[0m " in colored and b"\033[1;33mwarning:\033[0m " in colored,
              "messages on a terminal have colours", colored)
    for environment in ({"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}, {}):
        _, plain = said(**environment)
        tap.check(b"fgread: " in plain and b"\033[" not in plain, f"none with {environment}", plain)
    run = fgread(path)
    tap.check("fgread: " in run.err and "\033" not in run.err, "none elsewhere", run)


def check_wrong_usage(tap, fgread):
    for arguments in (["--no-such-option"], ["a.data", "b.data"], ["--weight", "gold"],
                      ["--group-by", "moon"], ["--names", "pretty"], ["--jobs", "x"],
                      ["--jobs", "-1"], ["--jobs"], ["--stats=xml"], ["-o"], ["--report=xml"],
                      ["--strict=101"], ["--max-memory", "lots"], ["--strict=many"], ["--stats=json", "--report"],
                      ["--symfs", "/nonexistent"], ["--kallsyms", "/nonexistent"]):
        run = fgread(*arguments)
        name = "wrong usage is status 2 and one message: " + " ".join(arguments)
        tap.check(run.status == 2 and run.err.startswith("fgread: ") and run.err.count("\n") == 1
                  and not run.out and not died(run), name, run)


def check_max_memory(tap, fgread, path):
    output = fgread.file("limited.folded")
    run = fgread(path, "--max-memory", "1M", "-o", output)
    tap.check(run.status == 1 and "more than the 1 MiB of --max-memory" in run.err and
              "give more" in run.err and not output.exists(),
              "--max-memory: what does not fit is an error that says so", run)
    run = fgread(path, "--max-memory", "4G")
    tap.check(run.status == 0 and run.out == fgread(path).out,
              "--max-memory: what fits is folded as without it", run)


def check_default_input(tap, fgread):
    directory = fgread.file("somewhere")
    directory.mkdir()
    run = fgread(cwd=directory)
    tap.check(run.status == 1 and "perf.data" in run.err and not run.out,
              "without a ./perf.data the message names it", run)
    simple().write(directory / "perf.data")
    run = fgread(cwd=directory)
    tap.check(run.status == 0 and run.out == OUTPUT, "without arguments ./perf.data is folded", run)


def check_messages(tap, fgread, path):
    run = fgread(path)
    tap.check(run.status == 0 and run.out == OUTPUT, "stdout holds the folded stacks only", run)
    tap.check("2 samples" in run.err, "a summary goes to stderr", run)
    tap.check(all(line.startswith("fgread: ") for line in run.err.splitlines()),
              "each message begins with the name of the tool", run)
    run = fgread(path, "-q")
    tap.check(run.status == 0 and run.out == OUTPUT and not run.err, "-q silences stderr", run)
    run = fgread("/nonexistent.data", "-q")
    tap.check(run.status == 1 and run.err, "-q does not silence the reason of a failure", run)
    run = fgread(path, stdout=subprocess.PIPE, preexec_fn=lambda: os.close(2))
    tap.check(run.status == 0 and run.out == OUTPUT, "a closed stderr changes nothing", run)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([fgread.path, path], stdout=subprocess.PIPE, stderr=full,
                              timeout=TIMEOUT)
    tap.check(done.returncode == 0 and done.stdout == OUTPUT, "a full stderr changes nothing",
              done)

    hostile = Recording()
    hostile.comm(7, "a\x1b[31m\nb;c")
    hostile.mmap(7, "/nonexistent/x\x1b]0;title\x07\ny", 0x400000, 0x10000)
    hostile.sample(7, [CONTEXT_USER, 0x401000])
    run = fgread(hostile.write(fgread.file("hostile.data")), "--stats")
    tap.check(run.status == 0 and "\x1b" not in run.err and "\x07" not in run.err,
              "no control bytes of a recording reach the terminal by stderr", run)
    tap.check(b"\x1b" not in run.out and len(run.lines) == 1,
              "no control bytes of a recording reach the output", run)


def leftovers(directory):
    return sorted(entry.name for entry in directory.iterdir())


def check_output_file(tap, fgread, path):
    directory = fgread.file("out")
    directory.mkdir()
    out = directory / "out.folded"
    run = fgread(path, "-o", out)
    tap.check(run.status == 0 and not run.out and out.read_bytes() == OUTPUT, "-o FILE", run)
    tap.check(leftovers(directory) == ["out.folded"], "-o leaves no other file",
              leftovers(directory))
    mask = os.umask(0)
    os.umask(mask)
    tap.check(stat.S_IMODE(out.stat().st_mode) == 0o666 & ~mask, "a new file has the usual mode",
              oct(out.stat().st_mode))
    out.write_text("old")
    out.chmod(0o600)
    fgread(path, "-o", out)
    tap.check(out.read_bytes() == OUTPUT and stat.S_IMODE(out.stat().st_mode) == 0o600,
              "-o replaces an old file and keeps its mode")
    link = directory / "link"
    link.symlink_to("out.folded")
    out.write_text("old")
    fgread(path, "-o", link)
    tap.check(link.is_symlink() and out.read_bytes() == OUTPUT, "-o follows a link")
    link.unlink()

    out.write_text("old")
    run = fgread("/nonexistent.data", "-o", out)
    tap.check(run.status == 1 and out.read_text() == "old", "a failure keeps the old file", run)
    fgread("/nonexistent.data", "-o", directory / "new.folded")
    tap.check(leftovers(directory) == ["out.folded"], "a failure leaves no file",
              leftovers(directory))

    before = os.stat(path).st_size
    for option in ("-o", "--stats-file"):
        run = fgread(path, option, path)
        tap.check(run.status == 2 and os.stat(path).st_size == before,
                  f"{option} never overwrites the recording", run)
    run = fgread(path, "-o", directory)
    tap.check(run.status == 1 and str(directory) in run.err, "-o of a directory fails", run)
    run = fgread(path, "-o", directory / "no" / "such" / "directory")
    tap.check(run.status == 1 and "no/such" in run.err, "-o in no directory fails", run)
    run = fgread(path, "-o", "-")
    tap.check(run.status == 0 and run.out == OUTPUT, "-o - is stdout", run)
    run = fgread(path, "-o", "/dev/stdout")
    tap.check(run.status == 0 and run.out == OUTPUT, "-o /dev/stdout is stdout", run)
    run = fgread(path, "-o", "/dev/null")
    tap.check(run.status == 0 and not run.out, "-o /dev/null", run)


def check_output_failures(tap, fgread, path, large):
    run = fgread(path, "-o", "/dev/full")
    tap.check(run.status == 1 and "No space left" in run.err, "-o to a full device is status 1",
              run)
    with open("/dev/full", "wb") as full:
        run = fgread(path, stdout=full)
    tap.check(run.status == 1 and "standard output" in run.err, "a full stdout is status 1", run)

    out = fgread.file("limited.folded")

    def limit_file_size():
        import resource
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    run = fgread(large, "-o", out, preexec_fn=limit_file_size)
    left = [entry.name for entry in fgread.directory.iterdir() if "limited" in entry.name]
    tap.check(run.status == 1 and not left, "a disk that fills up leaves no partial file",
              f"{run}\n{left}")

    child = subprocess.Popen([fgread.path, large], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first = child.stdout.readline()
    child.stdout.close()
    message = child.stderr.read()
    child.stderr.close()
    status = child.wait(TIMEOUT)
    tap.check(status == 0 and first == b"t00000;[prog] 1\n" and not message,
              "a reader that has seen enough ends it quietly", f"{status} {first} {message}")
    run = fgread(path, preexec_fn=lambda: os.close(1))
    tap.check(run.status == 0 and not died(run), "a closed stdout ends quietly", run)
    out = fgread.file("closed.folded")
    run = fgread(path, "-o", out, preexec_fn=lambda: (os.close(0), os.close(1)))
    tap.check(run.status == 0 and out.read_bytes() == OUTPUT,
              "-o works without stdin and stdout", run)


def interrupted(fgread, directory, large):
    """Interrupts fgread the moment its unfinished file appears; what is left in the directory."""
    out = directory / "out"
    child = subprocess.Popen([fgread.path, large, "-o", out],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 5
    # Without a pause: the file appears before the handler that removes it is there.
    while not leftovers(directory) and child.poll() is None and time.monotonic() < deadline:
        pass
    child.send_signal(signal.SIGINT)
    status = child.wait(TIMEOUT)
    names = leftovers(directory)
    # Either it was quick and wrote the whole file, or nothing is left.
    whole = out.exists() and out.read_bytes().count(b"\n") == 20_000
    return status, names, not names or (whole and names == ["out"])


def check_interrupt(tap, fgread, large):
    runs = []
    for number in range(10):
        directory = fgread.file(f"interrupted{number}")
        directory.mkdir()
        runs.append(interrupted(fgread, directory, large))
    tap.check(all(clean for _, _, clean in runs), "an interrupt leaves no partial file", runs)


def check_stats(tap, fgread, path):
    run = fgread(path, "--stats")
    tap.check(run.status == 0 and run.out == OUTPUT and "samples  2" in run.err, "--stats", run)
    run = fgread(path, "--stats=json", "-q")
    stats = json.loads(run.err)
    tap.check(list(stats) == STATS_KEYS, "the keys of --stats=json", list(stats))
    tap.check(stats["samples"] == 2 and stats["processes"] >= 1 and stats["frames"] == 2 and
              stats["distinct_stacks"] == 2, "the counts of --stats=json", run)
    tap.check(stats["file_bytes"] == os.stat(path).st_size, "the size of the file", run)
    tap.check(stats["records"] == 4, "the number of records", stats["records"])
    tap.check(stats["events"] == [{"name": "cpu-clock", "samples": 2, "period": 30,
                                   "folded": True, "lost": 0}], "the events", stats["events"])
    modules = {module["path"]: module for module in stats["modules"]}
    missing = modules.get("/nonexistent/prog", {})
    tap.check(list(missing) == MODULE_KEYS and missing["state"] == "missing" and
              missing["samples"] == 2, "a missing module is listed", stats["modules"])
    tap.check(sum(stats["stop_reasons"].values()) == 2, "each sample has one stop reason",
              stats["stop_reasons"])
    tap.check(all(set(entry) == {"count", "first_offset", "first_detail"}
                  for entry in stats["problems"].values()), "the problems", stats["problems"])

    file = fgread.file("stats.json")
    run = fgread(path, "--stats=json", "--stats-file", file)
    tap.check(run.status == 0 and json.loads(without_commands(file.read_text())) ==
              json.loads(without_commands(json.dumps(stats, indent=1))),
              "--stats-file takes the statistics", run)
    tap.check("file_bytes" not in run.err, "--stats-file keeps them from stderr", run)
    run = fgread(path, "--stats-file", file)
    tap.check(run.status == 0 and "samples  2" in file.read_text(),
              "--stats-file alone is for people", run)
    run = fgread(path, "--stats-file", "/nonexistent/stats")
    tap.check(run.status == 1 and "/nonexistent/stats" in run.err,
              "a --stats-file that cannot be written is status 1", run)


def half_complete():
    """One stack of a binary that is not there, and one recorded chain."""
    recording = Recording([Event(stack=True)])
    recording.comm(7, "prog", exec_=True).mmap(7, "/nonexistent/prog", 0x400000, 0x10000)
    registers = [0] * 20
    registers[7], registers[8] = 0x7FFF00000000, 0x401000
    recording.sample(7, registers=registers, stack=b"\0" * 64)
    recording.sample(7, [CONTEXT_USER, 0x401000])
    return recording


def check_quality(tap, fgread):
    path = half_complete().write(fgread.file("half.data"))
    plain = fgread(path)
    run = fgread(path, "--report")
    tap.check(run.status == 0 and run.out == plain.out and "file_bytes" not in run.err and
              "1 of 2 user stacks complete (50.0 %)" in run.err and "what to do" in run.err and
              "/nonexistent/prog: file not found" in run.err and
              f"{fgread.path} {path} --report --symfs=DIR\n" in run.err, "--report", run)
    run = fgread(path, "--report=json", "--stats=json", "-q")
    stats = json.loads(run.err)
    tap.check(list(stats) == STATS_KEYS + ["report"] and
              stats["report"]["complete_percent"] == 50 and
              stats["report"]["depth"]["dump_bytes"] == 8192,
              "--report=json is the statistics and the report", run)
    run = fgread(path, "--report", "--stats", "--stats-file", fgread.file("both"))
    both = fgread.file("both").read_text()
    tap.check("samples  2" in both and "quality  1 of 2" in both and "quality" not in run.err,
              "both reports go to the --stats-file", run)

    run = fgread(path, "--strict", "-q")
    tap.check(run.status == 4 and run.out == plain.out and "less than the 95 %" in run.err,
              "--strict: status 4, a message even if quiet, and the output", run)
    tap.check(fgread(path, "--strict=50").status == 0, "--strict=50 where half is complete")
    tap.check(fgread(path, "--strict=50.1").status == 4, "--strict=50.1 where half is complete")
    with open(path, "rb") as file:
        data_offset, data_size = struct.unpack("<QQ", file.read(56)[40:])
    os.truncate(path, data_offset + data_size - 8)
    tap.check(fgread(path, "--strict").status == 3, "damage comes before incompleteness")


def check_jobs(tap, fgread, path, large):
    for recording in (path, large):
        expected = fgread(recording, "-j", 1, "--stats=json", "-q")
        for jobs in (0, 2, 3, 8):
            run = fgread(recording, "-j", jobs, "--stats=json", "-q")
            tap.check(run.out == expected.out and without_commands(run.err) == without_commands(expected.err) and
                      run.status == expected.status,
                      f"--jobs {jobs} changes no byte of {os.path.basename(recording)}",
                      f"{run.status} {len(run.out)} {len(expected.out)}")


def main(path):
    tap = Tap()
    fgread = Tool(path)
    recording = simple().write(fgread.file("simple.data"))
    large = many_stacks().write(fgread.file("large.data"))
    check_help(tap, fgread)
    check_terminal(tap, fgread, recording)
    check_wrong_usage(tap, fgread)
    check_max_memory(tap, fgread, recording)
    check_default_input(tap, fgread)
    check_messages(tap, fgread, recording)
    check_output_file(tap, fgread, recording)
    check_output_failures(tap, fgread, recording, large)
    check_interrupt(tap, fgread, large)
    check_stats(tap, fgread, recording)
    check_quality(tap, fgread)
    check_jobs(tap, fgread, recording, large)
    run = fgread(Recording([Event()]).comm(7, "prog").write(fgread.file("none.data")))
    tap.check(run.status == 0 and not run.out and len(run.err.splitlines()) == 1 and
              "no samples" in run.err, "a recording without samples: status 0, one sentence", run)
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1])
