#!/usr/bin/env python3
"""Compares inlined functions and lines with llvm-symbolizer at random addresses of programs.

    compare_llvm.py [-n COUNT] [--symbolizer COMMAND] INLINE_CHAINS FILE...

FILE may be BINARY=DEBUGFILE, and may be followed by ,supplementary=FILE or ,package=FILE. Exit
status 1 if there is a difference that is not one of these, where llvm-symbolizer 14 is not right or
means something else:
  symbol     it takes the last name from the symbol table, the index from DWARF;
  qualified  it does not qualify names that have no linkage name;
  directory  it joins the compilation directory twice if a DWARF 5 table's directory 0 is relative;
  stt_file   where there is no DWARF it gives the name of the last STT_FILE symbol as the file.
"""

import argparse
import collections
import random
import re
import subprocess
import sys


def text_addresses(binary, count):
    headers = subprocess.run(["readelf", "-SW", binary], capture_output=True, text=True).stdout
    found = re.search(r"\] \.text\s+\S+\s+([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+)", headers)
    start, size = int(found[1], 16), int(found[2], 16)
    generator = random.Random(start ^ size)
    return sorted(generator.randrange(start, start + size) for _ in range(count))


def blocks(text):
    """Per address a list of (name, file, line, column)."""
    result = []
    for block in text.split("\n\n"):
        lines = block.strip("\n").split("\n")
        if len(lines) >= 2:
            result.append([(lines[i], *lines[i + 1].rsplit(":", 2))
                           for i in range(0, len(lines), 2)])
    return result


def same_name(ours, theirs):
    return ours == theirs or ours.endswith("::" + theirs)


def same_line(ours, theirs, counts):
    if ours[1:3] == theirs[1:3]:
        return True
    if re.sub(r"^(\.\.?(?:/.*?)?)/\1/", r"\1/", theirs[1]) == ours[1] and ours[2] == theirs[2]:
        counts["directory"] += 1
        return True
    return False


def difference(ours, theirs, counts):
    """What differs, or None."""
    if ours == [("??", "??", "0", "0")]:
        # Names of their own come from the symbol table.
        if len(theirs) > 1:
            return "depth"
        if theirs[0][2] != "0":
            return "lines"
        counts["stt_file"] += theirs[0][1] != "??"
        return None
    if len(ours) != len(theirs):
        return "depth"
    for one, other in zip(ours[:-1], theirs[:-1]):
        if not same_name(one[0], other[0]):
            return "names"
        counts["qualified"] += one[0] != other[0]
    counts["symbol"] += ours[-1][0] != theirs[-1][0]
    if not all(same_line(one, other, counts) for one, other in zip(ours, theirs)):
        return "lines"
    return None


def compare(tool, symbolizer, file, count):
    place, *extra = file.split(",")
    binary, _, debug = place.partition("=")
    addresses = text_addresses(binary, count)
    text = "".join(f"{address:#x}\n" for address in addresses)
    command = [tool, debug or binary]
    for each in extra:
        key, _, value = each.partition("=")
        command += [f"--{key}", value]
    ours = subprocess.run(command, input=text, capture_output=True, text=True)
    theirs = subprocess.run([symbolizer, f"--obj={debug or binary}", "--inlines",
                             "--no-demangle"], input=text, capture_output=True, text=True)
    ours_at, theirs_at = blocks(ours.stdout), blocks(theirs.stdout)
    if not len(ours_at) == len(theirs_at) == count:
        sys.exit(f"{file}: {len(ours_at)} and {len(theirs_at)} answers of {count}\n{ours.stderr}")
    counts, wrong = collections.Counter(), collections.Counter()
    for address, one, other in zip(addresses, ours_at, theirs_at):
        counts["functions"] += one[0][0] != "??"
        counts["deepest"] = max(counts["deepest"], len(one))
        kind = difference(one, other, counts)
        if kind is None:
            continue
        wrong[kind] += 1
        if wrong[kind] <= 3:
            print(f"  {kind} at {address:#x}\n    ours:   {one}\n    theirs: {other}")
    print(f"{file}: {count} addresses, {dict(counts)}; different: {dict(wrong) or 'none'}")
    print("  " + ours.stderr.strip())
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=2500, help="addresses of each program")
    parser.add_argument("--symbolizer", default="llvm-symbolizer-14")
    parser.add_argument("tool")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    results = [compare(options.tool, options.symbolizer, file, options.n)
               for file in options.files]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
