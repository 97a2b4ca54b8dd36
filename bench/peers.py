"""Who takes part: fgread, and what else this machine has that does the same or a part of it."""

import os
import pathlib
import shutil
import subprocess
from dataclasses import dataclass

# perfparser is started by hotspot, and so in no PATH.
PERFPARSER_PLACES = ("/usr/lib/x86_64-linux-gnu/libexec/hotspot-perfparser",
                     "/usr/libexec/hotspot-perfparser", "/usr/lib/libexec/hotspot-perfparser")


@dataclass(eq=False)
class Contender:
    name: str
    pipeline: list
    kind: str  # "cat", "fgread" or "peer"
    inlines: bool = False  # expands inlined functions


class Peers:
    """The programs found, by PATH or by option; `missing` names the others and how to get them."""

    def __init__(self, options):
        self.missing = []
        self.collapse = self._collapse(options)
        self.perf = self._find("perf", None, "Debian: linux-perf")
        self.inferno = self._find("inferno-collapse-perf", options.inferno, "cargo install inferno")
        self.samply = self._find("samply", options.samply, "cargo install samply")
        place = next((path for path in PERFPARSER_PLACES if os.access(path, os.X_OK)), None)
        self.perfparser = self._find("hotspot-perfparser", options.perfparser or place,
                                     "Debian: hotspot")
        self.newer_perf = self._find("another perf", options.perf, "--perf PATH")

    def _find(self, name, given, remedy):
        found = shutil.which(given or name)
        if not found and not given:
            self.missing.append(f"{name} ({remedy})")
        if not found and given:
            self.missing.append(f"{name}: {given} is no program")
        return found

    def _collapse(self, options):
        folder = options.flamegraph or os.environ.get("FLAMEGRAPH")
        script = pathlib.Path(folder or ".") / "stackcollapse-perf.pl"
        if folder and script.is_file():
            return [["perl", str(script)]]
        self.missing.append(f"stackcollapse-perf.pl: {folder} has none" if folder else
                            "stackcollapse-perf.pl (--flamegraph DIR): perf script is timed alone, "
                            "which favours it")
        return []

    def contenders(self, recording, inlines):
        """Those that can be run on a recording; `inlines`: also perf script with inlines."""
        table = []

        def add(name, pipeline, expands=False):
            table.append(Contender(name, pipeline, "peer", expands))

        script = ["script", "--no-inline", "-i", recording]
        collapsed = " | collapse" if self.collapse else ""
        if self.perf:
            add("perf script" + collapsed, [[self.perf, *script], *self.collapse])
            if self.inferno:
                add("perf script | inferno", [[self.perf, *script], [self.inferno]])
            add("perf report", [[self.perf, "report", "--no-inline", "--no-children", "--stdio",
                                 "-g", "folded,0,caller", "-i", recording]])
        if self.newer_perf:
            add("newer perf script" + collapsed, [[self.newer_perf, *script], *self.collapse])
        if self.samply:
            add("samply import", [[self.samply, "import", "--save-only", "-o", "/dev/null",
                                   recording]])
        if self.perfparser:
            add("perfparser", [[self.perfparser, "--input", recording, "--output", "/dev/null"]],
                True)
        if inlines:
            for name, perf in (("perf", self.perf), ("newer perf", self.newer_perf)):
                if perf:
                    add(f"{name} script, inlines" + collapsed,
                        [[perf, "script", "-i", recording], *self.collapse], True)
        return table

    def versions(self):
        asked = (("perf", self.perf), ("newer perf", self.newer_perf), ("samply", self.samply),
                 ("inferno", self.inferno), ("perfparser", self.perfparser))
        return {name: version_of(program) for name, program in asked if program}


def version_of(program):
    run = subprocess.run([program, "--version"], capture_output=True, text=True)
    lines = (run.stdout or run.stderr).strip().splitlines()
    return lines[0] if lines else "unknown"


def fgread_contenders(fgread, recording, inlines):
    one = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    table = [
        Contender("cat", [["cat", recording]], "cat"),
        Contender("fgread, 1 core", [[*one, fgread, recording, "--no-inline", "--jobs", "1"]],
                  "fgread"),
        Contender("fgread, all cores", [[fgread, recording, "--no-inline"]], "fgread"),
    ]
    if inlines:
        table.append(Contender("fgread with inlines", [[fgread, recording, "--inline"]], "fgread",
                               True))
    return table
