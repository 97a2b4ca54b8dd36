"""The call-frame tables of an ELF file as readelf -wF prints them, and fgdump's rows of the same."""

import bisect
import re
import subprocess
from dataclasses import dataclass, field

ENTRY = re.compile(r"^(?P<offset>[0-9a-f]+) [0-9a-f]+ [0-9a-f]+ "
                   r"(?:CIE|FDE cie=(?P<cie>[0-9a-f]+) pc=(?P<start>[0-9a-f]+)\.\.(?P<end>[0-9a-f]+))")
LOCATION = re.compile(r"^[0-9a-f]{16}$")
# readelf writes a rule "in register rbx" as "r3 (rbx)".
IN_REGISTER = re.compile(r"\br\d+ \((\w+)\)")
OURS = re.compile(r"^0x(?P<address>[0-9a-f]+): FDE pc=(?P<start>[0-9a-f]+)\.\.(?P<end>[0-9a-f]+)")


@dataclass
class Fde:
    start: int
    end: int
    rows: list = field(default_factory=list)  # (location, {column: cell})


class Rules:
    def __init__(self, path):
        done = subprocess.run(["readelf", "-wF", str(path)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
        fdes, initial = {}, {}  # by start; rows of CIEs by offset
        rows = columns = None
        for line in done.stdout.splitlines():
            words = IN_REGISTER.sub(r"\1", line).split()
            entry = ENTRY.match(line)
            if entry and entry["cie"] is None:
                rows = initial[int(entry["offset"], 16)] = []
            elif entry:
                fde = Fde(int(entry["start"], 16), int(entry["end"], 16))
                rows = fde.rows
                # An FDE without instructions is printed without rows: its CIE's row holds.
                fde.default = initial.get(int(entry["cie"], 16))
                if fde.end > fde.start:
                    fdes.setdefault(fde.start, fde)
            elif words and words[0] == "LOC":
                columns = words[1:]
            elif words and rows is not None and LOCATION.match(words[0]):
                rows.append((int(words[0], 16), dict(zip(columns, words[1:]))))
        self.fdes = [fdes[start] for start in sorted(fdes)]
        self.starts = [fde.start for fde in self.fdes]
        for fde in self.fdes:
            fde.rows = fde.rows or [(fde.start, fde.default[0][1])]

    def fde_at(self, address):
        index = bisect.bisect_right(self.starts, address) - 1
        fde = self.fdes[index] if index >= 0 else None
        return fde if fde and address < fde.end else None

    def at(self, address):
        """The last row that begins at or before the address."""
        return [cells for location, cells in self.fde_at(address).rows if location <= address][-1]

    def agrees(self, address, printed):
        """Columns that one of them leaves out are undefined there."""
        if printed is None:
            return False
        fde, cells = self.fde_at(address), self.at(address)
        return (printed.start, printed.end) == (fde.start, fde.end) and all(
            cells.get(name, "u") == printed.rows[0][1].get(name, "u")
            for name in {*cells, *printed.rows[0][1]})


def printed_rules(text):
    """{address: Fde with one row} from the output of fgdump --rule."""
    found, columns, current = {}, None, None
    for line in text.splitlines():
        words = line.split()
        head = OURS.match(line)
        if head:
            current = Fde(int(head["start"], 16), int(head["end"], 16))
            found[int(head["address"], 16)] = current
        elif words[0] == "LOC":
            columns = words[1:]
        elif LOCATION.match(words[0]):
            current.rows.append((int(words[0], 16), dict(zip(columns, words[1:]))))
    return found
