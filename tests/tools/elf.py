"""The few things tests need to know of an ELF file of this machine."""

import struct

PT_LOAD, PT_NOTE = 1, 4
SHT_SYMTAB = 2


class Elf:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()

    def segments(self):
        """(type, flags, offset, address, size) of every program header."""
        at, size, count = self._table(0x20, 0x36)
        for i in range(count):
            kind, flags, offset, address, _, in_file = struct.unpack_from(
                "<IIQQQQ", self.data, at + i * size)
            yield kind, flags, offset, address, in_file

    def text(self):
        """(offset, address, size) of the executable segment."""
        return next((offset, address, size) for kind, flags, offset, address, size
                    in self.segments() if kind == PT_LOAD and flags & 1)

    def build_id(self):
        """(offset in the file, hex)"""
        for kind, _, offset, _, size in self.segments():
            end = offset + size
            while kind == PT_NOTE and offset < end:
                name, length, note = struct.unpack_from("<III", self.data, offset)
                start = offset + 12 + (name + 3) // 4 * 4
                if note == 3 and self.data[offset + 12:offset + 16] == b"GNU\0":
                    return start, self.data[start:start + length].hex()
                offset = start + (length + 3) // 4 * 4
        raise ValueError("no build-id")

    def functions(self):
        """name -> (address, size) by .symtab."""
        found = {}
        at, size, count = self._table(0x28, 0x3a)
        headers = [struct.unpack_from("<IIQQQQIIQQ", self.data, at + i * size)
                   for i in range(count)]
        for header in headers:
            if header[1] != SHT_SYMTAB:
                continue
            strings = headers[header[6]][4]
            for place in range(header[4], header[4] + header[5], 24):
                name, info, _, _, value, length = struct.unpack_from("<IBBHQQ", self.data, place)
                if info & 15 == 2 and length:
                    start = strings + name
                    end = self.data.index(b"\0", start)
                    found[self.data[start:end].decode()] = (value, length)
        return found

    def _table(self, offset_at, size_at):
        offset, = struct.unpack_from("<Q", self.data, offset_at)
        size, count = struct.unpack_from("<HH", self.data, size_at)
        return offset, size, count
