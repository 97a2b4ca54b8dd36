"""Whether fgread's output is right: its total weight against the sum of the samples' periods."""

import shutil
import subprocess

from measure import Failed


def sum_of_periods(recording):
    """As perf script reads them; nothing where there is no perf, or it cannot read the recording."""
    if not shutil.which("perf"):
        return None
    with subprocess.Popen(["perf", "script", "-F", "period", "-i", recording],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as perf:
        total = sum(int(line) for line in perf.stdout if line.strip())
    return total if perf.returncode == 0 and total else None


def folded_weight(command):
    """The sum of the weights of the folded stacks that the command writes."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        total = sum(int(line.rsplit(b" ", 1)[1]) for line in process.stdout)
    if process.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))} ended with status {process.returncode}")
    return total
