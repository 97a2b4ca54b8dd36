"""Says what a little-endian recording says as a big-endian machine would have written it.

    big_endian.py RECORDING OUTPUT

For tests: written from the layouts in include/uapi/linux/perf_event.h and
tools/perf/Documentation/perf.data-file-format.txt, not with the reader's code. Fields are turned
round by their width. Memory images (stacks, AUX and RAW data, build-ids) and what fgread does not
read (most features, simpleperf's own records) stay as they are. Compressed records are refused.
"""

import struct
import sys

PIPE_HEADER = 16
FIRST_ATTR_SIZE = 64
IP, TID, TIME, ADDR, READ, CALLCHAIN, ID, CPU, PERIOD, STREAM_ID = range(10)
RAW, BRANCH_STACK, REGS_USER, STACK_USER, WEIGHT, DATA_SRC, IDENTIFIER = range(10, 17)
TRANSACTION, REGS_INTR, PHYS_ADDR, AUX, CGROUP, DATA_PAGE, CODE_PAGE, WEIGHT_STRUCT = range(17, 25)
SAMPLE_ID_ALL = 18  # bit of the attr's flags


class Turn:
    """Reads little-endian fields and appends them as big-endian ones."""

    def __init__(self, data):
        self.data, self.at, self.out = data, 0, bytearray()

    def _number(self, code):
        size = struct.calcsize(code)
        value, = struct.unpack_from("<" + code, self.data, self.at)
        self.at += size
        self.out += struct.pack(">" + code, value)
        return value

    def u16(self):
        return self._number("H")

    def u32(self):
        return self._number("I")

    def u64(self):
        return self._number("Q")

    def many(self, codes):
        for code in codes:
            self._number(code)

    def words(self, count):
        self.many("Q" * count)

    def raw(self, count):
        assert self.at + count <= len(self.data)
        self.out += self.data[self.at:self.at + count]
        self.at += count

    @property
    def left(self):
        return len(self.data) - self.at

    def rest(self):
        self.raw(self.left)

    def rest_words(self):
        self.words(self.left // 8)
        self.rest()

    def string(self):
        self.raw(self.u32())


class Attr:
    def __init__(self, data):
        def field(code, at):
            room = data[at:at + struct.calcsize(code)]
            return struct.unpack("<" + code, room)[0] if len(room) == struct.calcsize(code) else 0

        self.sample_type, self.read_format, self.flags = (field("Q", at) for at in (24, 32, 40))
        self.branches, self.user_registers = field("Q", 72), field("Q", 80)
        self.interrupt_registers = field("Q", 96)
        self.ids = []

    def has(self, bit):
        return bool(self.sample_type >> bit & 1)


def turned_flags(value):
    """Bit-fields begin at the other end; precise_ip has two bits, which keep their order."""
    turned = sum((value >> bit & 1) << (63 - bit) for bit in range(64) if bit not in (15, 16))
    return turned | (value >> 16 & 1) << 48 | (value >> 15 & 1) << 47


def turn_attr(turn, size):
    """perf_event_attr: of `size` bytes, as much of it as there is."""
    whole = turn.data[turn.at:turn.at + size]
    end = turn.at + size
    turn.many("II" + "Q" * 4)
    value, = struct.unpack_from("<Q", turn.data, turn.at)
    turn.out += struct.pack(">Q", turned_flags(value))
    turn.at += 8
    fields = "II" + "QQ" + "QQ" + "Ii" + "Q" + "IHH" + "II" + "QQQ"
    for code in fields:
        if turn.at + struct.calcsize(code) <= end:
            turn.many(code)
    turn.raw(end - turn.at)
    return Attr(whole)


def turn_read(turn, attr):
    form = attr.read_format
    times = (form & 1) + (form >> 1 & 1)
    per_value = 1 + (form >> 2 & 1) + (form >> 4 & 1)
    count = turn.u64() if form >> 3 & 1 else 1
    turn.words(times + per_value * count)


def turn_registers(turn, mask):
    if turn.u64() != 0:
        turn.words(bin(mask).count("1"))


def turn_branches(turn, attr):
    count = turn.u64()
    turn.words((attr.branches >> 17 & 1) + 3 * count + count * (attr.branches >> 19 & 1))


def turn_sample(turn, attr):
    for bit, codes in ((IDENTIFIER, "Q"), (IP, "Q"), (TID, "II"), (TIME, "Q"), (ADDR, "Q"),
                       (ID, "Q"), (STREAM_ID, "Q"), (CPU, "II"), (PERIOD, "Q")):
        if attr.has(bit):
            turn.many(codes)
    if attr.has(READ):
        turn_read(turn, attr)
    if attr.has(CALLCHAIN):
        turn.words(turn.u64())
    if attr.has(RAW):
        turn.raw(turn.u32())
    if attr.has(BRANCH_STACK):
        turn_branches(turn, attr)
    if attr.has(REGS_USER):
        turn_registers(turn, attr.user_registers)
    if attr.has(STACK_USER):
        size = turn.u64()
        turn.raw(size)
        turn.words(1 if size else 0)
    for bit in (WEIGHT, WEIGHT_STRUCT, DATA_SRC, TRANSACTION):
        turn.words(1 if attr.has(bit) else 0)
    if attr.has(REGS_INTR):
        turn_registers(turn, attr.interrupt_registers)
    turn.words(sum(attr.has(bit) for bit in (PHYS_ADDR, CGROUP, DATA_PAGE, CODE_PAGE)))
    if attr.has(AUX):
        turn.raw(turn.u64())
    turn.rest()


# Fields in front of text, by type of record.
KERNEL_FIELDS = {1: "IIQQQ", 2: "QQ", 3: "II", 4: "IIIIQ", 5: "QQQ", 6: "QQQ", 7: "IIIIQ",
                 11: "QQQ", 12: "II", 13: "Q", 14: "", 15: "II", 17: "QIHH", 18: "HHI", 19: "Q",
                 20: "QHH", 21: "Q"}


def trailer_fields(attr):
    if not attr.flags >> SAMPLE_ID_ALL & 1:
        return ""
    return "".join(codes for bit, codes in ((TID, "II"), (TIME, "Q"), (ID, "Q"), (STREAM_ID, "Q"),
                                            (CPU, "II"), (IDENTIFIER, "Q")) if attr.has(bit))


def turn_kernel_record(turn, kind, misc, attr):
    trailer = trailer_fields(attr)
    end = len(turn.data) - struct.calcsize("<" + trailer)
    if kind == 10:
        turn.many("IIQQQ")
        if misc >> 14 & 1:
            turn.raw(24)
        else:
            turn.many("IIQQ")
        turn.many("II")
    elif kind == 8:
        turn.many("II")
        turn_read(turn, attr)
    elif kind == 16:
        turn.many("II")
        turn.words(2 * turn.u64())
    elif kind == 22:
        turn.many("Q")
        turn.words(turn.u64())
    else:
        turn.many(KERNEL_FIELDS.get(kind, ""))
    turn.raw(end - turn.at)
    turn.many(trailer)


def turn_cpu_map(turn):
    kind = turn.u16()
    if kind == 0:
        turn.many("H" * turn.u16())
    elif kind == 1:
        count = turn.u16()
        size = turn.u16()
        turn.raw(4 if size == 8 else 0)
        turn.many(("Q" if size == 8 else "I") * count)
    else:
        turn.raw(2)
        turn.many("HH")
    turn.rest()


def turn_build_id(turn):
    turn.many("I")
    turn.rest()


def turn_description(turn):
    count, size = turn.u32(), turn.u32()
    for _ in range(count):
        turn_attr(turn, size)
        ids = turn.u32()
        turn.string()
        turn.words(ids)
    turn.rest()


def turn_build_ids(turn):
    while turn.left >= 8:
        turn.many("IH")
        size = turn.u16()
        end = turn.at - 8 + size
        turn.many("I")
        turn.raw(end - turn.at)
    turn.rest()


def turn_capabilities(turn, several):
    for _ in range(turn.u32() if several else 1):
        for _ in range(turn.u32()):
            turn.string()
            turn.string()
        if several:
            turn.string()
    turn.rest()


def turn_feature(turn, bit):
    """Those that fgread reads."""
    if bit == 2:
        turn_build_ids(turn)
    elif bit in (3, 4, 5, 6, 8, 9):
        turn.string()
    elif bit == 7:
        turn.many("II")
    elif bit == 10:
        turn.many("Q")
    elif bit == 11:
        for _ in range(turn.u32()):
            turn.string()
    elif bit == 12:
        turn_description(turn)
    elif bit == 21:
        turn.many("QQ")
    elif bit in (28, 31):
        turn_capabilities(turn, bit == 31)
    elif bit == 33:
        turn.many("II")
    turn.rest()


def turn_tool_record(turn, kind):
    if kind == 64:
        size, = struct.unpack_from("<I", turn.data, 4)
        attr = turn_attr(turn, size or FIRST_ATTR_SIZE)
        begin = turn.at
        turn.rest_words()
        attr.ids = [word for word, in struct.iter_unpack("<Q", turn.data[begin:])]
        return attr
    if kind == 65:
        turn.many("Q")
    elif kind == 66:
        turn.many("I")
    elif kind == 67:
        turn_build_id(turn)
    elif kind in (69, 75, 77, 79):
        turn.rest_words()
    elif kind == 70:
        turn.many("II")
        turn.rest_words()
    elif kind == 71:
        turn.many("QQQIIII")
    elif kind == 73:
        for _ in range(turn.u64()):
            turn.many("Q")
            turn.raw(16)
    elif kind == 74:
        turn_cpu_map(turn)
    elif kind == 78:
        what = turn.u64()
        turn.many("Q")
        if what == 1:
            turn.many("Q")
        elif what == 3:
            turn_cpu_map(turn)
    elif kind == 80:
        turn_feature(turn, turn.u64())
    elif kind in (81, 83):
        raise ValueError("compressed records")
    turn.rest()
    return None


class Records:
    """Turns a stream of records round, with the attrs that it has or brings."""

    def __init__(self, attrs):
        self.attrs = attrs

    def attr_of_sample(self, body):
        if len(self.attrs) == 1:
            return self.attrs[0]
        first = self.attrs[0]
        at = 0 if first.has(IDENTIFIER) else sum(first.has(bit) for bit in (IP, TID, TIME, ADDR))
        number, = struct.unpack_from("<Q", body, 8 * at)
        return next((attr for attr in self.attrs if number in attr.ids), first)

    def turn(self, data):
        out, at = bytearray(), 0
        while at + 8 <= len(data):
            kind, misc, size = struct.unpack_from("<IHH", data, at)
            if size < 8 or at + size > len(data):
                break
            out += struct.pack(">IHH", kind, misc, size)
            turn = Turn(data[at + 8:at + size])
            if kind == 9:
                turn_sample(turn, self.attr_of_sample(turn.data))
            elif kind < 64 and self.attrs:
                turn_kernel_record(turn, kind, misc, self.attrs[0])
            elif 64 <= kind < 32768:
                attr = turn_tool_record(turn, kind)
                if attr:
                    self.attrs.append(attr)
            else:
                turn.rest()
            out += turn.out
            at += size
            outside = 0
            if kind == 66:
                outside, = struct.unpack_from("<I", turn.data)
            elif kind == 71:
                outside, = struct.unpack_from("<Q", turn.data)
            out += data[at:at + outside]
            at += outside
        # A record of an impossible size, which is one in this byte order, too.
        rest = data[at:]
        if len(rest) >= 8:
            rest = struct.pack(">IHH", *struct.unpack_from("<IHH", rest)) + rest[8:]
        return bytes(out + rest)


def turn_attrs(data, header, out):
    """The table of attrs and its ids, in place. The attrs."""
    _, attr_size, offset, size = header[:4]
    own, = struct.unpack_from("<I", data, offset + 4)
    own = (own or FIRST_ATTR_SIZE) + 16
    stride = own if own <= attr_size and size % own == 0 else attr_size
    attrs = []
    for at in range(offset, offset + size - stride + 1, stride):
        turn = Turn(data[at:at + stride])
        attr = turn_attr(turn, stride - 16)
        ids, ids_size = turn.u64(), turn.u64()
        out[at:at + stride] = turn.out
        words = Turn(data[ids:ids + ids_size])
        words.rest_words()
        out[ids:ids + ids_size] = words.out
        attr.ids = [word for word, in struct.iter_unpack("<Q", words.data[:ids_size // 8 * 8])]
        attrs.append(attr)
    return attrs


def turn_features(data, header, out):
    size, _, _, _, offset, data_size = header[:6]
    if size < 104 or data_size == 0:
        return
    bits = [bit for bit in range(256) if header[8 + bit // 64] >> bit % 64 & 1]
    table = offset + data_size
    for index, bit in enumerate(bits):
        at = table + 16 * index
        turn = Turn(data[at:at + 16])
        begin, length = turn.u64(), turn.u64()
        out[at:at + 16] = turn.out
        body = Turn(data[begin:begin + length])
        turn_feature(body, bit)
        out[begin:begin + length] = body.out


def big_endian(data):
    """The bytes of the recording, as of a big-endian machine."""
    if data[:8] != b"PERFILE2":
        raise ValueError("not a little-endian recording of today's format")
    size, = struct.unpack_from("<Q", data, 8)
    if size == PIPE_HEADER:
        return data[:8][::-1] + struct.pack(">Q", size) + Records([]).turn(data[PIPE_HEADER:])
    header = struct.unpack_from("<12Q", data, 8)
    out = bytearray(data)
    out[:104] = data[:8][::-1] + struct.pack(">12Q", *header)
    attrs = turn_attrs(data, header, out)
    offset, length = header[4], header[5]
    end = offset + length if length else len(data)
    out[offset:end] = Records(attrs).turn(data[offset:end])
    turn_features(data, header, out)
    return bytes(out)


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as recording:
        TURNED = big_endian(recording.read())
    with open(sys.argv[2], "wb") as output:
        output.write(TURNED)
