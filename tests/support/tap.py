"""Test Anything Protocol for the script tests: one line for each case."""

import sys


class Tap:
    def __init__(self):
        self.number = 0
        self.failed = 0

    def check(self, passed, name, details=""):
        self.number += 1
        print(f"{'ok' if passed else 'not ok'} {self.number} - {name}", flush=True)
        if not passed:
            self.failed += 1
            for line in str(details).splitlines():
                print(f"# {line}", flush=True)
        return passed

    def equal(self, got, expected, name):
        """`got` and `expected` as text; shows the first lines that differ."""
        return self.check(got == expected, name, first_differences(got, expected))

    def skip(self, name, why):
        self.number += 1
        print(f"ok {self.number} - {name} # SKIP {why}", flush=True)

    def finish(self):
        print(f"1..{self.number}", flush=True)
        sys.exit(1 if self.failed else 0)


def first_differences(got, expected, limit=5):
    got_lines = set(str(got).splitlines())
    expected_lines = set(str(expected).splitlines())
    extra = sorted(got_lines - expected_lines)
    missing = sorted(expected_lines - got_lines)
    lines = [f"expected {len(expected_lines)} lines, got {len(got_lines)}"]
    lines += [f"missing: {line}" for line in missing[:limit]]
    lines += [f"extra:   {line}" for line in extra[:limit]]
    return "\n".join(lines)
