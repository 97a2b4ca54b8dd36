#!/usr/bin/env python3
"""Runs every libFuzzer target of a build, each from its corpus.

    run_fuzzers.py BUILD CORPUS_DIR SECONDS

What the fuzzer finds interesting goes to BUILD/corpus, what crashes to BUILD/crashes; the corpus of
the source tree stays as it is.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from tap import Tap  # noqa: E402

TAIL_LINES = 40


def fuzz(target, build, corpus, seconds):
    found = build / "corpus" / target.name
    crashes = build / "crashes"
    for folder in (found, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    command = [target, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
               f"-artifact_prefix={crashes}/{target.name}-", found]
    seeds = corpus / target.name.removeprefix("fuzz_")
    if seeds.is_dir():
        command.append(seeds)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    tail = done.stdout.decode(errors="replace").splitlines()[-TAIL_LINES:]
    return done.returncode == 0, "\n".join(tail)


def main(build, corpus, seconds):
    build, corpus = pathlib.Path(build), pathlib.Path(corpus)
    targets = sorted(path for path in (build / "tests").glob("*/fuzz_*")
                     if path.is_file() and os.access(path, os.X_OK))
    tap = Tap()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda target: fuzz(target, build, corpus, seconds), targets)
        for target, (passed, output) in zip(targets, results):
            tap.check(passed, f"{target.name} for {seconds} s", output)
    tap.check(bool(targets), "there are fuzz targets")
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
