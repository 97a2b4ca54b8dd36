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
        check_corpus(tap, directory)
    tap.finish()


if __name__ == "__main__":
    main()
