#!/usr/bin/env python3
"""What fgread shows of its progress, on a terminal (a pty) and elsewhere.
    test_fgread_progress.py FGREAD"""

import os
import pty
import re
import struct
import subprocess
import sys
import time

from fgread_runner import TIMEOUT, Tap
from recording import CONTEXT_USER, Event, Recording

ERASE = b"\r\x1b[K"
# 53 MB; a batch of a stream is 16 MiB.
SAMPLES = 600_000
# Nothing is shown in the first half second.
PAUSE = 0.7


def large_stream():
    """What begins a recording made by perf record -o -, and what can follow any number of times."""
    event = Event()
    header_attr = event.attr() + struct.pack("<Q", event.identifier)
    recording = Recording([event]).add(64, header_attr, 0)
    recording.comm(7, "prog", exec_=True).mmap(7, "/nonexistent/prog", 0x400000, 0x10000)
    head = b"PERFILE2" + struct.pack("<Q", 16) + b"".join(recording.records)
    recording.sample(7, [CONTEXT_USER, 0x401000, 0x402000])
    recording.finished_round()
    return head, b"".join(recording.records[-2:])


class Terminal:
    """Feeds fgread the recording, with a pause before its last part; stderr is a pty."""

    def __init__(self, fgread, arguments=(), terminal=True, term="xterm"):
        head, step = large_stream()
        data = head + step * (SAMPLES // 2)
        master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [fgread, *arguments, "-", "-o", "/dev/null"], stdin=subprocess.PIPE,
            stderr=slave if terminal else subprocess.PIPE,
            env={**os.environ, "TERM": term})
        os.close(slave)
        self.process.stdin.write(data)
        time.sleep(PAUSE)
        self.process.stdin.write(step * (SAMPLES // 2))
        self.process.stdin.close()
        self.said = self._read_all(master if terminal else self.process.stderr.fileno())
        os.close(master)
        self.status = self.process.wait(timeout=TIMEOUT)

    @staticmethod
    def _read_all(descriptor):
        said = b""
        while True:
            try:
                more = os.read(descriptor, 65536)
            except OSError:  # EIO: the other end of a pty is closed
                return said
            if not more:
                return said
            said += more

    def __str__(self):
        return f"status {self.status}: {self.said!r}"


def main(fgread):
    tap = Tap()
    shown = Terminal(fgread)
    lines = shown.said.split(ERASE)
    tap.check(len(lines) >= 3 and lines[0] == b"", "a line is shown and erased", shown)
    tap.check(all(re.fullmatch(rb"fgread: \d+ MB(, [\d.]+( [kM])? samples/s)?|"
                               rb"fgread: naming .*", line) for line in lines[1:-1]),
              "it says how much was read and how fast", shown)
    tap.check(b"samples:" in lines[-1] and b"MB" not in lines[-1],
              "after it was erased comes the summary", shown)
    tap.check(shown.status == 0, "and the end", shown)

    quiet = Terminal(fgread, ["-q"])
    tap.check(quiet.said == b"", "-q: nothing", quiet)
    dumb = Terminal(fgread, term="dumb")
    tap.check(ERASE not in dumb.said and b"samples:" in dumb.said,
              "a terminal that erases nothing: only the summary", dumb)
    piped = Terminal(fgread, terminal=False)
    tap.check(ERASE not in piped.said and b"samples:" in piped.said,
              "no terminal: only the summary", piped)
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1])
