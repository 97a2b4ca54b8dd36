#!/usr/bin/env python3
"""fgread's formats other than folded text.   test_fgread_formats.py FGREAD FGRENDER FIXTURES"""

import pathlib
import subprocess
import sys

from fgread_runner import Tap, Tool
from recording import CONTEXT_KERNEL, CONTEXT_USER, KERNEL, Event, Recording

PROG = 0x400000
KERNEL_TEXT = 0xffff_ffff_8100_0000
ENDINGS = [".folded", ".txt", ".svg", ".html"]


def small():
    """Two threads, two events, user and kernel frames, names that need escaping."""
    recording = Recording([Event("cycles", 1, kind=0), Event("faults", 2, config=2)])
    recording.mmap(-1, "[kernel.kallsyms]_text", KERNEL_TEXT, 0x1000000, KERNEL_TEXT, misc=KERNEL)
    recording.comm(7, b'a "b"\xff', exec_=True)
    recording.comm(7, "worker", tid=8)
    recording.mmap(7, "/nonexistent/prog", PROG, 0x10000)
    recording.mmap(7, b"/nonexistent/x\x01\\\"</script>\xfe", PROG + 0x100000, 0x10000)
    user = [CONTEXT_USER, PROG + 0x101000, PROG + 0x1000]
    recording.sample(7, user, period=10)
    recording.sample(7, [CONTEXT_KERNEL, KERNEL_TEXT + 16, *user], period=20)
    recording.sample(7, user, tid=8, period=40)
    recording.sample(7, user, tid=8, period=5, event=1)
    return recording


class Formats:
    def __init__(self, tap, fgread, fgrender, fixtures):
        self.tap, self.fgread, self.fgrender = tap, fgread, pathlib.Path(fgrender).resolve()
        self.fixture = pathlib.Path(fixtures).resolve() / "cpp_threads"
        self.small = small().write(fgread.file("small.data"))
        self.inputs = {"small": [self.small],
                       "cpp_threads": ["--symfs", self.fixture / "symfs",
                                       self.fixture / "perf.data"]}

    def output(self, source, *arguments):
        """What fgread writes to stdout for one of the inputs."""
        run = self.fgread(*self.inputs[source], *arguments)
        if run.status != 0:
            self.tap.check(False, f"{source} {arguments}: exit status 0", run)
        return run.out

    def weights(self, source, *arguments):
        return self.fgread(*self.inputs[source], *arguments).weights


def check_choice(formats):
    tap, fgread = formats.tap, formats.fgread
    for ending in ENDINGS:
        run = fgread(formats.small, "-o", "x" + ending)
        tap.check(run.status == 0 and fgread.file("x" + ending).stat().st_size > 0,
                  f"{ending} is known", run)
    tap.check(fgread.file("x.folded").read_bytes() == fgread.file("x.txt").read_bytes(),
              ".txt is folded text")
    tap.check(fgread.file("x.svg").read_bytes().startswith(b"<?xml"), ".svg is XML")
    tap.check(b"<html" in fgread.file("x.html").read_bytes()[:200], ".html is a page")
    fgread(formats.small, "-o", "X.SVG")
    tap.check(fgread.file("X.SVG").read_bytes() == fgread.file("x.svg").read_bytes(),
              "capital letters mean the same")
    fgread(formats.small, "-f", "svg", "-o", "y.folded")
    tap.check(fgread.file("y.folded").read_bytes() == fgread.file("x.svg").read_bytes(),
              "--format goes before the ending")
    run = fgread(formats.small, "-o", "plain")
    tap.check(fgread.file("plain").read_bytes() == fgread.file("x.folded").read_bytes(),
              "no ending is folded text", run)
    run = fgread(formats.small, "-o", "x.png")
    tap.check(run.status == 2 and all(ending in run.err for ending in ENDINGS)
              and not fgread.file("x.png").exists(),
              "an unknown ending is wrong usage, and the message lists the known ones", run)
    run = fgread(formats.small, "-f", "png")
    tap.check(run.status == 2 and "svg" in run.err, "so is an unknown format", run)


def check_pictures(formats):
    for source in formats.inputs:
        folded = formats.output(source)
        drawn = subprocess.run([formats.fgrender, "--countname", "cycles"], input=folded,
                               stdout=subprocess.PIPE, check=True).stdout
        direct = formats.output(source, "-f", "svg")
        if source == "small":
            formats.tap.check(direct == drawn, "the SVG is that of fgrender", direct[:300])
        page = formats.output(source, "-f", "html", "--title", "Our Title")
        formats.tap.check(b"Our Title" in page, f"{source}: --title", page[:300])
        jobs = formats.output(source, "-f", "svg", "-j", "1")
        formats.tap.check(jobs == direct, f"{source}: the same with one thread")
    clock = formats.output("cpp_threads", "-f", "svg")
    formats.tap.check(b" ms" in clock or b'"ms"' in clock, "nanoseconds are shown as ms")


def main(fgread, fgrender, fixtures):
    tap = Tap()
    formats = Formats(tap, Tool(fgread), fgrender, fixtures)
    for check in (check_choice, check_pictures):
        check(formats)
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
