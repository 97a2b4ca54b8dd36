"""Runs command lines as pipes and says what they took."""

import os
import statistics
import subprocess
import time
from dataclasses import dataclass


@dataclass
class Usage:
    wall: float
    user: float
    system: float
    peak: int  # bytes, summed over the processes of a pipe; never below some 20 MB, Python's own


class Failed(Exception):
    """A command did not end as it should."""


def measure(pipeline):
    """Runs the commands as a pipe into /dev/null."""
    start = time.perf_counter()
    processes = []
    source = subprocess.DEVNULL
    for command in pipeline:
        last = command is pipeline[-1]
        process = subprocess.Popen(command, stdin=source, stderr=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL if last else subprocess.PIPE)
        if source is not subprocess.DEVNULL:
            source.close()
        source = process.stdout
        processes.append(process)
    user = system = peak = 0
    failure = None
    for process, command in zip(processes, pipeline):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0 and not failure:
            failure = f"{' '.join(map(str, command))} ended with status {process.returncode}"
        user += usage.ru_utime
        system += usage.ru_stime
        peak += usage.ru_maxrss * 1024
    if failure:
        raise Failed(failure)
    return Usage(time.perf_counter() - start, user, system, peak)


def median(values):
    return statistics.median(list(values))


def median_ratio(runs, others):
    """How many times longer `runs` took, pairwise: a slow moment of the machine is on both sides.
    Who ran less often did so in the last rounds."""
    return median(run.wall / other.wall for run, other in zip(reversed(runs), reversed(others)))
