"""Makes a large recording out of a small one: its records again and again, each time later."""

import mmap
import struct

HEADER = struct.Struct("<8sQQQQQQQQ")  # magic, size, attr size, attrs, data, event types; then bits
DATA = 40  # where the data section's offset and size stand
FEATURE_BITS = 72
SAMPLE_TIME = 21  # the feature that says when the samples begin and end
SAMPLE, FIRST_OF_TOOL = 9, 64
# Fields of a sample that stand before its time (perf_event.h): IDENTIFIER, IP, TID.
IDENTIFIER, IP, TID, TIME = 1 << 16, 1 << 0, 1 << 1, 1 << 2
# And of sample_id_all behind it: ID, STREAM_ID, CPU, IDENTIFIER.
BEHIND = (1 << 6, 1 << 9, 1 << 7, IDENTIFIER)
WORD = struct.Struct("<Q")
RECORD = struct.Struct("<IHH")


class Template:
    """The data section of a recording, and where in it times stand."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, _, _, attrs, _, self.begin, self.size = HEADER.unpack_from(self.file)[:7]
        if magic != b"PERFILE2" or self.size == 0:
            raise ValueError(f"{path} is no finished recording of this machine's byte order")
        # struct perf_event_attr: type, size, config, period, sample_type
        sample_type = WORD.unpack_from(self.file, attrs + 24)[0]
        if not sample_type & TIME:
            raise ValueError(f"{path} has no times")
        self.sample_time = 8 + 8 * sum(bool(sample_type & bit) for bit in (IDENTIFIER, IP, TID))
        self.trailer_time = 8 + 8 * sum(bool(sample_type & bit) for bit in BEHIND)
        self.places = list(self._places())
        times = [WORD.unpack_from(self.file, self.begin + at)[0] for at in self.places]
        times = [time for time in times if time not in (0, 2**64 - 1)]
        self.first, self.last = min(times), max(times)

    def _places(self):
        at, end = self.begin, self.begin + self.size
        while at < end:
            kind, _, size = RECORD.unpack_from(self.file, at)
            if kind == SAMPLE:
                yield at + self.sample_time - self.begin
            elif kind < FIRST_OF_TOOL:
                yield at + size - self.trailer_time - self.begin
            at += size

    def shifted(self, by):
        data = bytearray(self.file[self.begin:self.begin + self.size])
        for at in self.places:
            time = WORD.unpack_from(data, at)[0]
            if time not in (0, 2**64 - 1):
                WORD.pack_into(data, at, time + by)
        return data

    def features(self):
        """The bits, and each feature's bytes in their order."""
        bits = int.from_bytes(self.file[FEATURE_BITS:FEATURE_BITS + 32], "little")
        numbers = [bit for bit in range(256) if bits >> bit & 1]
        table = self.begin + self.size
        sections = [struct.unpack_from("<QQ", self.file, table + 16 * i) for i in range(len(numbers))]
        return [(number, bytes(self.file[offset:offset + size]))
                for number, (offset, size) in zip(numbers, sections)]


def repeat(source, target, megabytes):
    """Writes `target`, of about so many MB, or of one round if that is more."""
    template = Template(source)
    rounds = max(1, round(megabytes * 1_000_000 / template.size))
    step = template.last - template.first + 1_000_000_000
    with open(target, "wb") as out:
        out.write(template.file[:template.begin])
        for number in range(rounds):
            out.write(template.shifted(number * step))
        features = template.features()
        at = template.begin + rounds * template.size + 16 * len(features)
        for _, content in features:
            out.write(struct.pack("<QQ", at, len(content)))
            at += len(content)
        for number, content in features:
            if number == SAMPLE_TIME and len(content) == 16:
                first, last = struct.unpack("<QQ", content)
                content = struct.pack("<QQ", first, last + (rounds - 1) * step)
            out.write(content)
        out.seek(DATA)
        out.write(struct.pack("<QQ", template.begin, rounds * template.size))
