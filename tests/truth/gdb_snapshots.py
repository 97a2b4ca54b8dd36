# Run by gdb (gdb -batch -nx -x gdb_snapshots.py --args PROGRAM): stops the program again and again,
# steps through it instruction by instruction, and writes each stop as a sample of a perf.data
# file, with gdb's own backtrace as the recorded call chain.
#
# Instruction steps reach what a sampling clock rarely hits: each prologue and epilogue, PLT stubs,
# the first instruction of a signal handler, its return.
#
# Environment: TRUTH_OUTPUT the file; TRUTH_BREAKPOINTS functions, comma-separated; TRUTH_STOPS how
# many breakpoint stops; TRUTH_STEPS how many instructions after each.

import os
import struct

import gdb

PERF_RECORD_COMM, PERF_RECORD_SAMPLE, PERF_RECORD_MMAP2 = 3, 9, 10
COMM_EXEC = 1 << 13
CPUMODE_USER = 2
CONTEXT_USER = (1 << 64) - 512
# IP | TID | TIME | CALLCHAIN | REGS_USER | STACK_USER
SAMPLE_TYPE = 1 | 2 | 4 | 1 << 5 | 1 << 12 | 1 << 13
REGS_MASK = 0xff0fff
# In the order of enum perf_event_x86_regs; the segment registers 12 to 15 are not in the mask.
REGISTERS = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "rip", "eflags", "cs", "ss",
             "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"]
STACK_BYTES = 48 * 1024  # a record holds less than 64 KiB
ATTR_SIZE = 128


def record(kind, misc, body):
    body += b"\0" * (-len(body) % 8)
    return struct.pack("<IHH", kind, misc, 8 + len(body)) + body


def executable_maps(pid):
    for line in open(f"/proc/{pid}/maps"):
        fields = line.split(None, 5)
        path = fields[5].strip() if len(fields) > 5 else "//anon"
        if "x" not in fields[1]:
            continue
        start, end = (int(text, 16) for text in fields[0].split("-"))
        major, minor = (int(text, 16) for text in fields[3].split(":"))
        body = struct.pack("<IIQQQIIQQII", pid, pid, start, end - start, int(fields[2], 16), major,
                           minor, int(fields[4]), 0, 5, 2)
        yield record(PERF_RECORD_MMAP2, CPUMODE_USER, body + path.encode() + b"\0")


def backtrace():
    """Return addresses, leaf first: physical frames only, as inlined ones have no pc of their own
    and tail calls are gdb's deduction from call sites."""
    pcs = []
    frame = gdb.newest_frame()
    while frame is not None and frame.is_valid():
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            pcs.append(frame.pc())
        frame = frame.older()
    return pcs


def stack_bytes(inferior, sp):
    size = STACK_BYTES
    while size > 0:
        try:
            return bytes(inferior.read_memory(sp, size))
        except gdb.MemoryError:
            size -= 512
    return b""


def snapshot(number):
    inferior = gdb.selected_inferior()
    frame = gdb.newest_frame()
    mask = (1 << 64) - 1
    while frame.type() in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
        frame = frame.older()
    values = [int(frame.read_register(name)) & mask for name in REGISTERS]
    pcs = backtrace()
    stack = stack_bytes(inferior, values[REGISTERS.index("rsp")])
    stack = stack[: len(stack) // 8 * 8]
    body = struct.pack("<QIIQ", values[REGISTERS.index("rip")], inferior.pid, inferior.pid, number)
    body += struct.pack(f"<QQ{len(pcs)}Q", len(pcs) + 1, CONTEXT_USER, *pcs)
    body += struct.pack(f"<Q{len(values)}Q", 2, *values)
    body += struct.pack("<Q", len(stack)) + stack + struct.pack("<Q", len(stack))
    return record(PERF_RECORD_SAMPLE, CPUMODE_USER, body)


def write_file(path, records):
    attr = struct.pack("<IIQQQQQ", 1, ATTR_SIZE, 0, 1, SAMPLE_TYPE, 0, 0)
    attr += b"\0" * 32  # wakeup, breakpoint and branch fields
    attr += struct.pack("<QIi", REGS_MASK, STACK_BYTES, 0)
    attr += b"\0" * (ATTR_SIZE - len(attr)) + struct.pack("<QQ", 0, 0)
    data = b"".join(records)
    header = b"PERFILE2" + struct.pack("<QQQQQQQQ", 104, len(attr), 104, len(attr),
                                       104 + len(attr), len(data), 0, 0)
    header += b"\0" * 32  # no features
    with open(path, "wb") as out:
        out.write(header + attr + data)


def run():
    for command in ("set pagination off", "set print frame-info short-location", "set confirm off", "set debuginfod enabled off",
                    "set backtrace past-main on", "set backtrace past-entry on",
                    "set backtrace limit 200", "set startup-with-shell off",
                    "handle SIGALRM SIGUSR1 SIGUSR2 nostop noprint pass"):
        gdb.execute(command, to_string=True)
    for function in os.environ["TRUTH_BREAKPOINTS"].split(","):
        gdb.execute(f"break {function}", to_string=True)
    gdb.execute("run", to_string=True)
    pid = gdb.selected_inferior().pid
    samples = []
    for _ in range(int(os.environ["TRUTH_STOPS"])):
        for _ in range(int(os.environ["TRUTH_STEPS"])):
            samples.append(snapshot(len(samples) + 1))
            gdb.execute("stepi", to_string=True)
        gdb.execute("continue", to_string=True)
    comm = struct.pack("<II", pid, pid) + b"program\0"
    start = [record(PERF_RECORD_COMM, COMM_EXEC, comm), *executable_maps(pid)]
    write_file(os.environ["TRUTH_OUTPUT"], start + samples)
    gdb.execute("kill", to_string=True)


if __name__ == "__main__":
    run()
