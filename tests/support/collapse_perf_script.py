#!/usr/bin/env python3
"""Folds the text of `perf script`, as the usual collapser of perf's output does.

    perf script ... | collapse_perf_script.py [--addrs] [--samples] > out.folded

Written from the documented behaviour of that collapser: the root frame is the comm with its blanks
as `_`; frames follow from the outermost to the innermost; the weight is the period; only the first
event met is folded; an unknown symbol in a known module is `[module]`; `;` in a name becomes `:`,
quotes vanish, a parameter list is cut off; a sample without a call chain gives nothing. Unlike it,
this one keeps functions whose name begins with "(anonymous namespace)", which it takes for process
names.
"""

import re
import sys
from collections import Counter

# comm  pid[/tid] [cpu]  time:  [period] event:
HEADER = re.compile(r"^(?P<comm>\S.*?)\s+(?P<pid>-?\d+)(?:/(?P<tid>-?\d+))?\s+(?:\[\d+\]\s+)?"
                    r"(?P<time>\d+\.\d+):\s+(?:(?P<period>\d+)\s+)?(?P<event>\S+):\s*$")
FRAME = re.compile(r"^\s*(?P<pc>[0-9a-f]+)\s+(?P<symbol>.+) \((?P<module>[^()]*(?:\([^()]*\))?[^()]*)\)$")
OFFSET = re.compile(r"\+0x[0-9a-f]+$")
# Everything from the first parenthesis on, except "(anonymous namespace)"; Go's methods have
# theirs between dots.
PARAMETERS = re.compile(r"\((?!anonymous namespace\)).*")
GO_METHOD = re.compile(r"\.\(.*\)\.")


def function_name(symbol, module, pc="", addresses=False):
    symbol = OFFSET.sub("", symbol)
    if symbol == "[unknown]":
        name = "unknown" if module == "[unknown]" else module.rsplit("/", 1)[-1]
        name = name.removeprefix("[").removesuffix("]")
        return f"[{name} <{pc}>]" if addresses else f"[{name}]"
    name = symbol.replace(";", ":")
    if not GO_METHOD.search(name):
        name = PARAMETERS.sub("", name)
    return name.replace('"', "").replace("'", "")


def samples(lines):
    """Yields the header and the (pc, symbol, module) frames, innermost first, of each sample."""
    header, frames = None, []
    for line in lines:
        line = line.rstrip("\n")
        if not line.strip():
            if header:
                yield header, frames
            header, frames = None, []
            continue
        match = HEADER.match(line) if header is None else None
        if match:
            header, frames = match, []
            continue
        frame = FRAME.match(line)
        if header and frame:
            frames.append((frame["pc"], frame["symbol"], frame["module"]))
    if header:
        yield header, frames


def fold(lines, addresses=False, count_samples=False):
    stacks = Counter()
    event = None
    for header, frames in samples(lines):
        event = event or header["event"]
        if header["event"] != event or not frames:
            continue
        names = [header["comm"].replace(" ", "_")]
        names += [function_name(symbol, module, pc, addresses)
                  for pc, symbol, module in reversed(frames)]
        stacks[";".join(names)] += 1 if count_samples else int(header["period"] or 1)
    return stacks


def folded_text(stacks):
    lines = [f"{stack} {weight}\n".encode() for stack, weight in stacks.items()]
    return b"".join(sorted(lines)).decode()


if __name__ == "__main__":
    sys.stdout.write(folded_text(fold(sys.stdin, "--addrs" in sys.argv, "--samples" in sys.argv)))
