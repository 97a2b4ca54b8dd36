#!/usr/bin/env python3
"""bench/run compares, checks and reports: on a recording of the fixtures, and on one it makes.
    test_bench.py FGREAD SOURCE_ROOT"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = pathlib.Path(sys.argv[2])
sys.path.insert(0, str(ROOT / "tests" / "support"))
sys.path.insert(0, str(ROOT / "bench"))
from repeat import repeat  # noqa: E402
from tap import Tap  # noqa: E402

FGREAD = pathlib.Path(sys.argv[1])
TIMEOUT = 120


def bench(directory, *arguments, fgread=FGREAD):
    return subprocess.run([ROOT / "bench" / "run", "--fgread", fgread, "--dir", directory, "--runs", "1",
                           "--perf-runs", "0", *arguments],
                          capture_output=True, text=True, timeout=TIMEOUT)


def check_report(tap, directory):
    recording = ROOT / "fixtures" / "rust_sleep" / "perf.data"
    run = bench(directory, "--recording", recording, "--inline")
    if not tap.check(run.returncode == 0, "a recording of one's own", run.stdout + run.stderr):
        return
    results = json.loads((directory / "results.json").read_text())["recordings"][0]
    names = [who["name"] for who in results["contenders"]]
    tap.check(names == ["cat", "fgread, 1 core", "fgread, all cores", "fgread with inlines"],
              "JSON: who took part", names)
    tap.check(results["samples"] > 0 and all(who["wall"] > 0 and who["peak"] > 0
                                             for who in results["contenders"]),
              "JSON: figures", results)
    markdown = (directory / "results.md").read_text()
    tap.check("| fgread, all cores |" in markdown and results["weight"] in markdown, "Markdown",
              markdown)
    picture = xml.etree.ElementTree.parse(directory / "results.svg").getroot()
    bars = picture.findall("{http://www.w3.org/2000/svg}rect")
    tap.check(len(bars) == 1 + len(names), "the picture has a bar for each", len(bars))


def check_wrong_weight(tap, directory):
    """A fgread that loses a line must not be measured."""
    liar = directory / "liar"
    liar.write_text(f'#!/bin/sh\ncase "$*" in *--stats*) exec {FGREAD} "$@";; esac\n'
                    f'{FGREAD} "$@" | tail -n +2\n')
    liar.chmod(0o755)
    recording = ROOT / "fixtures" / "rust_sleep" / "perf.data"
    run = bench(directory, "--recording", recording, fgread=liar)
    tap.check(run.returncode != 0 and "weight" in run.stderr, "a wrong weight ends the run",
              run.stdout + run.stderr)


def folded(recording):
    """Weights by stack, and whether every binary was found at the samples' times."""
    symfs = ROOT / "fixtures" / "cpp_threads" / "symfs"
    run = subprocess.run([FGREAD, "-q", "--no-inline", "--symfs", symfs, recording],
                         capture_output=True, text=True, check=True, timeout=TIMEOUT)
    return {line.rsplit(" ", 1)[0]: int(line.rsplit(" ", 1)[1]) for line in run.stdout.splitlines()}


def check_repeat(tap, directory):
    source, target = ROOT / "fixtures" / "cpp_threads" / "perf.data", directory / "repeated"
    repeat(source, target, 3 * source.stat().st_size / 1e6)
    once = folded(source)
    tap.check(len(once) > 5 and folded(target) == {stack: 3 * weight for stack, weight in once.items()},
              "a recording repeated three times has three times the weights", target.stat())
    run = subprocess.run([ROOT / "bench" / "fit", "--fgread", FGREAD, "--dir", directory, "--runs", "1",
                          "--recording", source, "--sizes", "1,2"],
                         capture_output=True, text=True, timeout=TIMEOUT)
    tap.check(run.returncode == 0 and "s per GB" in run.stdout, "a line is fitted",
              run.stdout + run.stderr)


def can_record(directory):
    if not shutil.which("perf") or not shutil.which("g++"):
        return False
    return subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "--call-graph", "dwarf", "-o",
                           directory / "probe", "--", "true"], capture_output=True).returncode == 0


def check_corpus(tap, directory):
    if not can_record(directory):
        tap.skip("a corpus is made", "perf cannot record here")
        return
    run = bench(directory, "--corpus", "compiler", "--sizes", "1")
    made = directory / "compiler-1MB.perf.data"
    tap.check(run.returncode == 0 and made.stat().st_size > 1_000_000 and
              "are free" in run.stderr, "a corpus is made", run.stdout + run.stderr)
    when = made.stat().st_mtime_ns
    run = bench(directory, "--corpus", "compiler", "--sizes", "1")
    tap.check(run.returncode == 0 and made.stat().st_mtime_ns == when and not run.stderr,
              "and made once", run.stdout + run.stderr)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        check_report(tap, directory)
        check_wrong_weight(tap, directory)
        run = bench(directory, "--corpus", "bogus")
        tap.check(run.returncode != 0 and "no such corpus: bogus" in run.stderr, "an unknown corpus",
                  run.stderr)
        check_repeat(tap, directory)
        check_corpus(tap, directory)
    tap.finish()


if __name__ == "__main__":
    main()
