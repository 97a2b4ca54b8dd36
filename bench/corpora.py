"""The recordings of the benchmark: made once of real work, and kept."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from programs import build_programs

HERE = pathlib.Path(__file__).resolve().parent
MB = 1_000_000
# 4 kHz on each CPU fills 100 MB in a few seconds; perf throttles itself below that where needed.
RECORD_OPTIONS = ["-e", "cpu-clock", "-F", "3999"]
# Room for bursts, and perf before what it records, so that nothing is lost (of a mix of compilers a
# quarter once was); only root may do either.
ROOT_OPTIONS = ["-m", "16M", "-r", "1"]
# What one fleet came to, and some more; other corpora grow by so much until they are stopped.
FLEET_MB = 1800
OVERSHOOT_MB = 100
PROGRAMS = "programs"  # what is recorded, in the same folder


@dataclass
class Corpus:
    what: str
    load: str  # the first argument of bench/load
    options: tuple = ("--call-graph", "dwarf")
    packs: int = 1  # so many times smaller on disk; the size asked for is that of the records
    sized: bool = True  # else it is as large as it gets
    needs: str = None  # a program without which it cannot be made


CORPORA = {
    "mix": Corpus("C++, Rust, g++ and rustc at once", "mix"),
    "cpp": Corpus("a threaded C++ program, -O2 -g", "cpp"),
    "rust": Corpus("a Rust program, -O", "rust", needs="rustc"),
    "compiler": Corpus("g++ and rustc at work", "compiler"),
    "system": Corpus("all that runs (-a), beside the mix", "mix", ("-a", "--call-graph", "dwarf")),
    "node": Corpus("node, with a perf map in /tmp", "node", needs="node"),
    "dump64k": Corpus("the mix, 64 KB of stack for each sample", "mix",
                      ("--call-graph", "dwarf,65528")),
    "zstd": Corpus("the mix, perf record -z", "mix", ("-z", "--call-graph", "dwarf"), packs=4),
    "fleet": Corpus("2,000 short processes", "fleet", sized=False),
    "modules": Corpus("a program of 500 modules", "modules"),
}


@dataclass
class Recording:
    corpus: str
    megabytes: int  # as asked for
    path: pathlib.Path

    @property
    def wanted_bytes(self):
        return self.megabytes * MB // CORPORA[self.corpus].packs

    def is_there(self):
        return self.path.exists() and self.path.stat().st_size >= self.wanted_bytes


def fail(message):
    sys.exit(f"bench/run: {message}")


def choose(names, sizes, directory):
    """The recordings of these corpora in these sizes; says what cannot be made here."""
    chosen = []
    for name in list(CORPORA) if names == ["all"] else names:
        if name not in CORPORA:
            fail(f"no such corpus: {name}; there are {', '.join(CORPORA)} and all")
        corpus = CORPORA[name]
        if corpus.needs and not shutil.which(corpus.needs):
            print(f"no corpus {name}: it needs {corpus.needs}")
            continue
        if not corpus.sized:
            chosen.append(Recording(name, 0, directory / f"{name}.perf.data"))
            continue
        for size in sizes:
            # The mix was the only corpus once, and keeps its name.
            label = "corpus" if name == "mix" else name
            chosen.append(Recording(name, size, directory / f"{label}-{size}MB.perf.data"))
    return chosen


def prepare(recordings, directory):
    """For make() of those that are not there; says how much of the disk they will take."""
    missing = [recording for recording in recordings if not recording.is_there()]
    if not missing:
        return
    if not shutil.which("perf"):
        fail("recording needs perf (Debian: linux-perf); or give a --recording")
    directory.mkdir(parents=True, exist_ok=True)
    needed = sum(recording.wanted_bytes + OVERSHOOT_MB * MB if CORPORA[recording.corpus].sized
                 else FLEET_MB * MB for recording in missing)
    free = shutil.disk_usage(directory).free
    print(f"recording {', '.join(recording.path.name for recording in missing)}: about "
          f"{needed / MB:.0f} MB in {directory}, where {free / MB:.0f} MB are free", file=sys.stderr)
    if needed > free:
        fail("that does not fit: choose smaller --sizes, other --corpus, or another --dir")
    build_programs(directory / PROGRAMS, {CORPORA[recording.corpus].load for recording in missing})


def make(recording, directory):
    """Makes the recording if it is not there; gives its path."""
    if not recording.is_there():
        print(f"recording {recording.path} ...", file=sys.stderr)
        record(recording, directory / PROGRAMS)
    return recording.path


def record(recording, programs):
    corpus = CORPORA[recording.corpus]
    unfinished = recording.path.with_suffix(".unfinished")
    options = [*RECORD_OPTIONS, *corpus.options]
    if os.geteuid() == 0:
        options += ROOT_OPTIONS
    enough = max(recording.wanted_bytes, 1)

    def size():
        return unfinished.stat().st_size if unfinished.exists() else 0

    with tempfile.TemporaryFile() as messages:
        perf = subprocess.Popen(
            ["perf", "record", "-q", "-N", *options, "-o", unfinished, "--", HERE / "load",
             corpus.load, programs],
            stdout=messages, stderr=messages, start_new_session=True)
        while perf.poll() is None:
            time.sleep(0.1)
            if corpus.sized and size() >= enough:
                perf.send_signal(signal.SIGINT)
                perf.wait()
        # perf ends only the shell it started, not what that shell has running.
        try:
            os.killpg(perf.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        if size() < enough:
            messages.seek(0)
            fail(f"perf record failed: {messages.read().decode(errors='replace')}")
    unfinished.rename(recording.path)
