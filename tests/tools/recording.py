"""Makes perf.data files byte by byte, so that a test knows what each of their bytes means.

Layouts: tools/perf/Documentation/perf.data-file-format.txt and include/uapi/linux/perf_event.h.
"""

import os
import struct

# sample_type
IP, TID, TIME, ADDR, READ, CALLCHAIN, ID, CPU, PERIOD, STREAM_ID = (1 << bit for bit in range(10))
REGS_USER, STACK_USER, IDENTIFIER = 1 << 12, 1 << 13, 1 << 16
# perf_event_attr's bit-field: mmap, comm, freq, task, sample_id_all, mmap2, comm_exec
ATTR_FLAGS = sum(1 << bit for bit in (8, 9, 10, 13, 18, 23, 24))
ATTR_SIZE = 128  # PERF_ATTR_SIZE_VER7; perf 6.1 knows no larger one
# record types and misc bits
MMAP, LOST, COMM, EXIT, FORK, SAMPLE, MMAP2 = 1, 2, 3, 4, 7, 9, 10
KSYMBOL, FINISHED_ROUND = 17, 68
KERNEL, USER, GUEST_KERNEL, GUEST_USER = 1, 2, 4, 5
MISC_COMM_EXEC, MISC_MMAP_BUILD_ID, MISC_BUILD_ID_SIZE = 1 << 13, 1 << 14, 1 << 15
# contexts in a call chain
CONTEXT_KERNEL, CONTEXT_USER = 2**64 - 128, 2**64 - 512
# header features
BUILD_ID, HOSTNAME, OSRELEASE, ARCH, EVENT_DESC = 2, 3, 4, 6, 12

HEADER_SIZE = 104
ALL_X86_REGISTERS = 0xff0fff  # what perf asks for: without ds, es, fs, gs
SP_INDEX, IP_INDEX = 7, 8     # places in that mask


def padded(text, unit=8):
    data = text if isinstance(text, bytes) else text.encode()
    data += b"\0"
    return data + b"\0" * (-len(data) % unit)


class Event:
    """One attr. `identifier`: samples carry the event's id (needed with several events)."""

    def __init__(self, name="cpu-clock", identifier=1, stack=False, chain=True, kind=1, config=0,
                 period=True):
        self.name, self.identifier, self.kind, self.config = name, identifier, kind, config
        self.sample_type = IP | TID | TIME | IDENTIFIER
        self.sample_type |= CALLCHAIN if chain else 0
        self.sample_type |= PERIOD if period else 0
        self.sample_type |= REGS_USER | STACK_USER if stack else 0

    def attr(self):
        stack = bool(self.sample_type & STACK_USER)
        fields = struct.pack("<IIQQQQQ", self.kind, ATTR_SIZE, self.config, 999, self.sample_type,
                             0, ATTR_FLAGS)
        fields += struct.pack("<IIQQQQIi", 0, 0, 0, 0, 0, ALL_X86_REGISTERS if stack else 0,
                              8192 if stack else 0, 0)
        return fields + b"\0" * (ATTR_SIZE - len(fields))

    def trailer(self, pid, tid, time):
        return struct.pack("<iiQQ", pid, tid, time, self.identifier)


class Recording:
    def __init__(self, events=None, local=True):
        self.events = events or [Event()]
        self.records = []
        self.time = 1000
        self.local = local
        self.build_ids = []  # (path, build-id in hex, misc)

    # records

    def add(self, kind, body, misc=USER):
        size = 8 + len(body)
        self.records.append(struct.pack("<IHH", kind, misc, size) + body)
        return self

    def tick(self):
        self.time += 1000
        return self.time

    def _side_band(self, kind, body, pid, tid, misc=USER):
        return self.add(kind, body + self.events[0].trailer(pid, tid, self.time), misc)

    def comm(self, pid, name, tid=None, exec_=False):
        tid = pid if tid is None else tid
        body = struct.pack("<ii", pid, tid) + padded(name)
        return self._side_band(COMM, body, pid, tid, MISC_COMM_EXEC if exec_ else 0)

    def fork(self, pid, parent, tid=None):
        tid = pid if tid is None else tid
        body = struct.pack("<iiiiQ", pid, parent, tid, parent, self.time)
        return self._side_band(FORK, body, pid, tid, 0)

    def mmap(self, pid, path, start, size, offset=0, build_id="", misc=USER):
        """Without a build-id: with device and inode of the file, if there is one."""
        if build_id:
            raw = bytes.fromhex(build_id)
            which = struct.pack("<BBH", len(raw), 0, 0) + raw + b"\0" * (20 - len(raw))
            misc |= MISC_MMAP_BUILD_ID
        else:
            which = self._inode(path)
        body = struct.pack("<iiQQQ", pid, pid, start, size, offset) + which
        body += struct.pack("<II", 5, 2) + padded(path)
        return self._side_band(MMAP2, body, pid, pid, misc)

    def ksymbol(self, name, start, size, unregister=False):
        body = struct.pack("<QIHH", start, size, 1, 1 if unregister else 0) + padded(name)
        return self._side_band(KSYMBOL, body, -1, -1, 0)

    @staticmethod
    def _inode(path):
        if not os.path.isfile(path):
            return struct.pack("<IIQQ", 0, 0, 0, 0)
        found = os.stat(path)
        return struct.pack("<IIQQ", os.major(found.st_dev), os.minor(found.st_dev), found.st_ino, 0)

    def sample(self, pid, chain=(), tid=None, period=1, ip=None, event=0, misc=USER,
               registers=None, stack=b"", time=None):
        """`chain`: innermost first, with contexts. `registers`: values in order of the mask.
           `time`: the next one unless given."""
        tid = pid if tid is None else tid
        which = self.events[event]
        addresses = [a for a in chain if a < 2**64 - 4095]
        leaf = ip if ip is not None else addresses[0] if addresses else 0
        body = struct.pack("<QQiiQ", which.identifier, leaf, pid, tid,
                           self.tick() if time is None else time)
        if which.sample_type & PERIOD:
            body += struct.pack("<Q", period)
        if which.sample_type & CALLCHAIN:
            body += struct.pack(f"<Q{len(chain)}Q", len(chain), *chain)
        if which.sample_type & REGS_USER:
            if registers is None:
                body += struct.pack("<Q", 0)
            else:
                body += struct.pack(f"<Q{len(registers)}Q", 2, *registers)
            body += struct.pack("<Q", len(stack)) + stack
            body += struct.pack("<Q", len(stack)) if stack else b""
        return self.add(SAMPLE, body, misc)

    def finished_round(self):
        return self.add(FINISHED_ROUND, b"", 0)

    def lost(self, count):
        return self._side_band(LOST, struct.pack("<QQ", 1, count), -1, -1, 0)

    # the file

    def features(self):
        found = {}
        if self.build_ids:
            found[BUILD_ID] = b"".join(self._build_id_entry(*entry) for entry in self.build_ids)
        if self.local is not None:
            machine = os.uname()
            host = machine.nodename if self.local else "another-host"
            found[HOSTNAME] = self._string(host)
            found[OSRELEASE] = self._string(machine.release if self.local else "0.0.1-other")
            found[ARCH] = self._string(machine.machine)
        described = struct.pack("<II", len(self.events), ATTR_SIZE)
        for event in self.events:
            described += event.attr() + struct.pack("<I", 1) + self._string(event.name)
            described += struct.pack("<Q", event.identifier)
        found[EVENT_DESC] = described
        return found

    @staticmethod
    def _string(text):
        data = padded(text, 64)
        return struct.pack("<I", len(data)) + data

    @staticmethod
    def _build_id_entry(path, build_id, misc):
        raw = bytes.fromhex(build_id)
        body = struct.pack("<i", -1) + raw + b"\0" * (20 - len(raw))
        body += struct.pack("<B3x", len(raw)) + padded(path, 64)
        return struct.pack("<IHH", 0, misc | MISC_BUILD_ID_SIZE, 8 + len(body)) + body

    def data_offset(self):
        return HEADER_SIZE + 8 * len(self.events) + (ATTR_SIZE + 16) * len(self.events)

    def header(self, attrs_offset, data_offset, data_size, feature_bits):
        attr_entry = ATTR_SIZE + 16
        return b"PERFILE2" + struct.pack(
            "<QQQQQQQQQQQQ", HEADER_SIZE, attr_entry, attrs_offset, attr_entry * len(self.events),
            data_offset, data_size, 0, 0, feature_bits, 0, 0, 0)

    def bytes(self, finished=True):
        """`finished` false: as a recorder that was killed leaves it."""
        ids = b"".join(struct.pack("<Q", event.identifier) for event in self.events)
        attrs_offset = HEADER_SIZE + len(ids)
        attrs = b"".join(event.attr() + struct.pack("<QQ", HEADER_SIZE + 8 * index, 8)
                         for index, event in enumerate(self.events))
        data = b"".join(self.records)
        data_offset = attrs_offset + len(attrs)
        if not finished:
            return self.header(attrs_offset, data_offset, 0, 0) + ids + attrs + data
        features = self.features()
        at = data_offset + len(data) + 16 * len(features)
        table = payload = b""
        for bit in sorted(features):
            table += struct.pack("<QQ", at + len(payload), len(features[bit]))
            payload += features[bit]
        bits = sum(1 << bit for bit in features)
        return (self.header(attrs_offset, data_offset, len(data), bits) + ids + attrs + data +
                table + payload)

    def record_ends(self):
        """(file offset of the end, record bytes) of every record, in file order."""
        at = self.data_offset()
        for record in self.records:
            at += len(record)
            yield at, record

    def write(self, path, finished=True):
        with open(path, "wb") as file:
            file.write(self.bytes(finished))
        return str(path)
