#!/usr/bin/env python3
"""fgdiff's arguments, outputs and messages.   test_fgdiff.py FGDIFF RECORDING"""

import subprocess
import sys

from fgread_runner import TIMEOUT, Tap, Tool

BEFORE = b"main;a 10\nmain;b 20\nmain;f_0x1234 1\n"
AFTER = b"main;a 40\nmain;c 5\nmain;f_0xabcd 17\n"
FOLDED = b"main;a 10 40\nmain;b 20 0\nmain;c 0 5\nmain;f_0x1234 1 0\nmain;f_0xabcd 0 17\n"


def check_folded(tap, fgdiff, before, after):
    run = fgdiff(before, after)
    tap.check(run.status == 0 and run.out == FOLDED and not run.err, "folded by default", run)
    run = fgdiff("-s", before, after)
    tap.check(b"main;f_0x... 1 17\n" in run.out and b"0x1234" not in run.out, "--strip-hex", run)
    run = fgdiff("-n", before, after)
    tap.check(run.out.splitlines()[:2] == [b"main;a 20 40", b"main;b 40 0"], "--normalize", run)
    run = fgdiff("--reverse", before, after)
    tap.check(run.out.startswith(b"a;main 10 40\n"), "--reverse", run)
    done = subprocess.run([fgdiff.path, "-", after], input=BEFORE, capture_output=True,
                          timeout=TIMEOUT)
    tap.check(done.stdout == FOLDED, "one profile from standard input", done)


def check_formats(tap, fgdiff, before, after):
    for name, begin in (("d.svg", b"<?xml"), ("d.html", b"<!DOCTYPE html>"),
                        ("d.folded", b"main;a 10 40"), ("d.txt", b"main;a 10 40")):
        run = fgdiff("-o", name, before, after)
        tap.check(run.status == 0 and fgdiff.file(name).read_bytes().startswith(begin),
                  f"{name} by its ending", run)
    run = fgdiff("-o", "d.png", before, after)
    tap.check(run.status == 2 and "--format" in run.err, "an unknown ending is wrong usage", run)
    svg = fgdiff("-f", "svg", "--title", "Release", before, after).out.decode()
    tap.check("a (40 samples, 64.52%; +48.39%)" in svg and ">Release</text>" in svg,
              "a picture takes fgrender's options")
    table = fgdiff("-f", "table", "--top", "1", before, after)
    rows = [line.split() for line in table.lines]
    tap.check(rows[0] == "samples: 31 before, 62 after (+100.00%)".split()
              and ["10", "40", "+30", "+48.39%", "a"] in rows
              and ["20", "0", "-20", "-32.26%", "b"] in rows
              and ["31", "62", "+31", "+50.00%", "main"] in rows, "a table", table)


def check_failures(tap, fgdiff, before, after):
    run = fgdiff("--help")
    tap.check(run.status == 0 and b"--normalize" in run.out and not run.err, "--help", run)
    for arguments in ([], [before], ["-", "-"], ["-f", "png", before, after],
                      ["--top", "0", before, after], ["--colors", "x", before, after]):
        run = fgdiff(*arguments)
        tap.check(run.status == 2 and run.err and not run.out,
                  "wrong usage: " + " ".join(map(str, arguments))[:30], run)
    run = fgdiff(before, "/nonexistent/after")
    tap.check(run.status == 1 and "No such file" in run.err, "no such file", run)
    empty = fgdiff.write("empty", b"nothing here\n")
    run = fgdiff(before, empty)
    tap.check(run.status == 0 and "1 line with invalid format" in run.err
              and "empty: has no stacks" in run.err, "one profile without stacks is said", run)
    run = fgdiff(empty, empty)
    tap.check(run.status == 1 and "no valid input" in run.err, "two of them are an error", run)
    run = fgdiff(before, fgdiff.write("x.gz", b"\x1f\x8bxxxx"))
    tap.check(run.status == 1 and "x.gz: is packed by gzip" in run.err, "a packed profile", run)


def check_warnings(tap, fgdiff, recording):
    """A copy of the recording lies without its binaries."""
    copies = [fgdiff.write(name, open(recording, "rb").read()) for name in ("old.data", "new.data")]
    run = fgdiff("--symfs", fgdiff.directory, *copies)
    lines = [line for line in run.err.splitlines() if "warning" in line]
    of = [sum(line.startswith(f"fgdiff: warning: {copy}: ") for line in lines) for copy in copies]
    tap.check(run.status == 0 and of[0] > 0 and of[0] == of[1] and sum(of) == len(lines),
              "a warning names the recording that it is about", run)


def main(path, recording):
    tap = Tap()
    fgdiff = Tool(path)
    before, after = fgdiff.write("before", BEFORE), fgdiff.write("after", AFTER)
    check_folded(tap, fgdiff, before, after)
    check_formats(tap, fgdiff, before, after)
    check_failures(tap, fgdiff, before, after)
    check_warnings(tap, fgdiff, recording)
    run = fgdiff("-f", "table", recording, recording)
    tap.check(run.status == 0 and run.out.decode().count("    nothing\n") == 4,
              "a recording does not differ from itself", run)
    tap.check(run.out.startswith(b"context-switches: 40 before, 40 after"),
              "the table says what is counted", run)
    run = fgdiff("-f", "table", "--countname", "s", "--factor", "0.5", recording, recording)
    tap.check(run.out.startswith(b"s: 20 before, 20 after"), "--countname and --factor", run)
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
