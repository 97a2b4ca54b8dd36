#!/usr/bin/env python3
"""Counts test cases in the logs that `meson test` leaves behind.

    count_tests.py CASES_BUILD [OTHER_BUILD...] [--tap FILE]...

Every case of the first build directory counts. In the others (other compilers, sanitizers) the
same cases run again, so only their failures count. A case is one TEST_CASE of doctest, one line of
a TAP script, or one test that is neither. A test that fails without saying which case failed, or
that ran no case at all, is one failure more. --tap names further output of scripts, whose cases
count. The last line of the output is the sum; the exit
status is 1 if something failed or nothing ran.
"""

import argparse
import json
import pathlib
import re
import sys
from dataclasses import dataclass

DOCTEST = re.compile(
    r"\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|\s*(\d+) skipped")
TAP = re.compile(r"^(not ok|ok)\b(?:\s+\d+)?(?P<text>[^#\n]*)(?:#\s*(?P<directive>\w+))?", re.M)
TAP_PLAN = re.compile(r"^1\.\.(\d+)", re.M)
ANSI = re.compile(r"\x1b\[[0-9;]*m")
TAIL_LINES = 40


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    @property
    def total(self):
        return self.passed + self.failed + self.skipped


def count_doctest(output):
    count = Count()
    for match in DOCTEST.finditer(output):
        _, passed, failed, skipped = (int(group) for group in match.groups())
        count.add(Count(passed, failed, skipped))
    return count


def count_tap(output):
    count = Count()
    for match in TAP.finditer(output):
        directive = (match["directive"] or "").lower()
        if directive.startswith("skip"):
            count.skipped += 1
        elif match[1] == "ok":
            count.passed += 1
        else:
            count.failed += 1
    plans = [int(number) for number in TAP_PLAN.findall(output)]
    if sum(plans) > count.total:
        count.failed += sum(plans) - count.total
    return count


def count_test(entry):
    """The cases of one entry of testlog.json."""
    output = ANSI.sub("", entry.get("stdout") or "")
    ended_well = entry["result"] in ("OK", "EXPECTEDFAIL", "SKIP")
    if DOCTEST.search(output):
        count = count_doctest(output)
    elif TAP.search(output) or TAP_PLAN.search(output):
        count = count_tap(output)
    elif entry["result"] == "SKIP":
        return Count(skipped=1)
    else:
        return Count(passed=1) if ended_well else Count(failed=1)
    if not ended_well and count.failed == 0:
        count.failed += 1
    if count.total == 0:
        count.failed += 1
    return count


def read_log(build):
    log = pathlib.Path(build) / "meson-logs" / "testlog.json"
    if not log.is_file():
        return None
    return [json.loads(line) for line in log.read_text(errors="replace").splitlines() if line]


def show_skips(entry):
    for line in (entry.get("stdout") or "").splitlines():
        if TAP.match(line) and "# skip" in line.lower():
            print(f"  skipped: {entry['name']}: {line}")


def show_failure(build, entry):
    print(f"--- {pathlib.Path(build).name}: {entry['name']}: {entry['result']}")
    output = (entry.get("stdout") or "") + (entry.get("stderr") or "")
    for line in output.splitlines()[-TAIL_LINES:]:
        print(f"    {line}")


def count_build(build, quiet_skips):
    entries = read_log(build)
    if not entries:
        print(f"--- {build}: no test ran")
        return Count(failed=1)
    count = Count()
    for entry in entries:
        one = count_test(entry)
        count.add(one)
        if one.failed:
            show_failure(build, entry)
        if one.skipped and not quiet_skips:
            show_skips(entry)
    print(f"{pathlib.Path(build).name}: {count.passed} passed, {count.failed} failed, "
          f"{count.skipped} skipped")
    return count


def count_tap_file(path):
    entry = {"name": path.name, "result": "OK", "stdout": path.read_text(errors="replace")}
    count = count_test(entry)
    if count.failed:
        show_failure(path.parent, entry)
    show_skips(entry)
    return count


def main():
    parser = argparse.ArgumentParser(description="counts test cases")
    parser.add_argument("builds", nargs="+")
    parser.add_argument("--tap", type=pathlib.Path, action="append", default=[])
    arguments = parser.parse_args()
    total = count_build(arguments.builds[0], quiet_skips=False)
    for path in arguments.tap:
        total.add(count_tap_file(path))
    for build in arguments.builds[1:]:
        total.failed += count_build(build, quiet_skips=True).failed
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {total.failed} failed{skipped}")
    sys.exit(1 if total.failed or not total.passed else 0)


if __name__ == "__main__":
    main()
