"""Runs fgread for a test and keeps what it said."""

import atexit
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap  # noqa: E402,F401

# The tool answers within a second; this allows for sanitizers and a busy machine.
TIMEOUT = 30


@dataclass
class Run:
    status: int
    out: bytes
    err: str

    @property
    def lines(self):
        return self.out.decode(errors="surrogateescape").splitlines()

    @property
    def weights(self):
        return {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in self.lines}

    @property
    def total(self):
        return sum(int(line.rpartition(" ")[2]) for line in self.lines)

    def __str__(self):
        return f"status {self.status}\nstdout: {self.out[:2000]!r}\nstderr: {self.err[:4000]}"


class Tool:
    def __init__(self, path):
        self.path = pathlib.Path(path).resolve()  # runs in a directory of its own
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="fgread-test-"))
        atexit.register(shutil.rmtree, self.directory, ignore_errors=True)

    def __call__(self, *arguments, **options):
        options.setdefault("cwd", self.directory)
        options.setdefault("stdout", subprocess.PIPE)
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run([self.path, *map(str, arguments)], stderr=subprocess.PIPE,
                              timeout=TIMEOUT, **options)
        return Run(done.returncode, done.stdout or b"", done.stderr.decode(errors="replace"))

    def file(self, name):
        return self.directory / name

    def write(self, name, data):
        path = self.file(name)
        path.write_bytes(data)
        return path


def died(run):
    """True if a signal or a sanitizer ended the tool."""
    return run.status < 0 or run.status > 4 or "Sanitizer" in run.err or "terminate" in run.err


def without_commands(stats):
    """Remedies repeat the command that was given."""
    return re.sub(r'"command": ".*"', '"command": ""', stats)


def nobody():
    """For preexec_fn: root reads everything, so become somebody who does not."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
