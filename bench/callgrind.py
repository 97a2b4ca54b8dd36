"""Instruction counts by valgrind's callgrind."""

import os
import re
import subprocess
import sys

LINE = re.compile(r"^\s*([\d,]+) \([ \d.]+%\)\s+\S*?:(.*?)(?: \[\S+\])?$")


def count(command, profile, stages, options=()):
    """{stage: instructions} of a command, with its whole as "all". `stages` names the function whose
    count, with all that it calls, is the stage's; `profile` is a file to write."""
    # meson sets MALLOC_PERTURB_, which fills all memory that is allocated or freed.
    environment = {**os.environ, "MALLOC_PERTURB_": "0"}
    run = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}",
                          *options, *command], capture_output=True, text=True, env=environment)
    if run.returncode != 0:
        sys.exit(f"valgrind ended with status {run.returncode}\n{run.stderr}")
    listing = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", profile],
                             capture_output=True, text=True, check=True).stdout
    counts = {}
    for line in listing.splitlines():
        if "PROGRAM TOTALS" in line:
            counts["all"] = int(line.split()[0].replace(",", ""))
        match = LINE.match(line)
        if not match:
            continue
        for stage, function in stages.items():
            is_lambda = "::{lambda" in match[2]
            if (stage not in counts and match[2].startswith(function)
                    and is_lambda == ("::{lambda" in function)):
                counts[stage] = int(match[1].replace(",", ""))
    return counts
