#!/usr/bin/env python3
"""fgdump: records, stacks, unwind rules and symbols.   test_fgdump.py FGDUMP KNOWN_FUNCTIONS"""

import random
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys

from elf import Elf
from fgread_runner import TIMEOUT, Tap, Tool, died
from readelf_rules import Rules, printed_rules
from recording import CONTEXT_KERNEL, CONTEXT_USER, GUEST_USER, IP_INDEX, SP_INDEX, Event, Recording

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"
STACK = 0x7ffd00001000
CODE = 0x400000


def registers(pc, sp):
    values = [0] * 20
    values[SP_INDEX], values[IP_INDEX] = sp, pc
    return values


def with_input(fgdump, arguments, text):
    done = subprocess.run([fgdump.path, *map(str, arguments)], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT)
    return done


def example():
    recording = Recording([Event(stack=True)])
    recording.comm(7, "prog\x1b[1m", exec_=True)
    recording.mmap(7, "/nonexistent/prog", CODE, 0x10000, build_id="ab" * 20)
    recording.mmap(7, "/nonexistent/data", 0x900000, 0x1000).fork(8, 7)
    recording.sample(7, [CONTEXT_KERNEL, 0xffffffff81000010, CONTEXT_USER, CODE + 1], period=3,
                     registers=registers(CODE + 0x10, STACK), stack=b"\0" * 64)
    recording.sample(8, [CONTEXT_USER, CODE + 5, CODE + 9], tid=9)
    recording.sample(7, [CODE], misc=GUEST_USER)
    recording.lost(12).finished_round()
    return recording


def check_help(tap, fgdump):
    run = fgdump("--version")
    tap.check(run.status == 0 and run.out.startswith(b"fgdump "), "--version", run)
    run = fgdump("--help")
    text = run.out.decode()
    for option in ("--records", "--stacks", "--rule", "--symbolize", "--names", "--symfs",
                   "--kallsyms", "--inline", "Columns of --stacks"):
        tap.check(option in text, f"--help knows {option}", text)
    tap.check(all(len(line) <= 100 for line in text.splitlines()),
              "no line of --help is longer than 100 characters", text)


def check_usage(tap, fgdump, program):
    for arguments in (["--no-such-option"], ["--records", "--stacks"], ["--rule", program],
                      ["--rule", program, "where"], ["--symbolize"], ["--names", "pretty"],
                      ["--symbolize", program, "--rule", program, "1"]):
        run = fgdump(*arguments)
        tap.check(run.status == 2 and run.err and not run.out and not died(run),
                  "wrong usage is status 2: " + " ".join(map(str, arguments)), run)


def check_failures(tap, fgdump, program):
    text = fgdump.write("text", b"not a recording\n" * 100)
    for arguments in (["/nonexistent"], [text], [text, "--records"], [text, "--stacks"],
                      ["--rule", "/nonexistent", "10"], ["--rule", text, "10"],
                      ["--symbolize", "/nonexistent"], ["--symbolize", text], ["--symbolize", "/"]):
        run = fgdump(*arguments)
        tap.check(run.status == 1 and run.err.count("\n") == 1 and not run.out,
                  "one sentence and status 1: " + " ".join(map(str, arguments)), run)


def check_summary(tap, fgdump, path):
    run = fgdump(path)
    for line in ("event 0         cpu-clock", "records         9, 3 of them samples",
                 "  SAMPLE                         3", "lost events     12"):
        tap.check(line in run.lines, f"the summary says: {line}", run)


def check_records(tap, fgdump, path, recording):
    run = fgdump(path, "--records")
    records = [line for line in run.lines if line.startswith("0x")]
    starts = [end - len(record) for end, record in recording.record_ends()]
    tap.equal("\n".join(line.split()[0] for line in records), "\n".join(map(hex, starts)),
              "--records has one line for each record, at its file offset")
    for text in ("COMM misc 0x2000 - size", "7/7 exec prog\\x1b[1m", "8/8 parent 7/7",
                 "[0x400000, 0x410000) pgoff 0x0 r-xp build-id " + "ab" * 20 + " /nonexistent/prog",
                 "r-xp inode 00:00 0 0 /nonexistent/data", "FINISHED_ROUND",
                 "7/7 event 0 ip 0xffffffff81000010 cpu 0 period 3 chain 4 registers 64-bit stack "
                 "64 of 64", "12 events of id 1"):
        tap.check(any(text in line for line in records), f"a record is shown with: {text}", run)
    tap.check(run.status == 0, "a sound recording is status 0", run)


# Type, misc, body (without the trailer) and what --records says of it.
KERNEL_RECORDS = [
    (5, 0, struct.pack("<QQQ", 50, 1, 2), "THROTTLE", "at 50 id 1 stream 2"),
    (6, 0, struct.pack("<QQQ", 51, 1, 2), "UNTHROTTLE", "at 51 id 1 stream 2"),
    (8, 0, struct.pack("<iiQ", 7, 9, 44), "READ", "7/9"),
    (11, 0, struct.pack("<QQQ", 0x1000, 64, 5), "AUX",
     "64 bytes at 0x1000 flags 0x5 truncated partial"),
    (12, 0, struct.pack("<ii", 7, 9), "ITRACE_START", "7/9"),
    (13, 0, struct.pack("<Q", 3), "LOST_SAMPLES", "3 samples"),
    (14, 0x6000, b"", "SWITCH", "7/9 out, preempted"),
    (14, 0, b"", "SWITCH", "7/9 in"),
    (15, 0x2000, struct.pack("<ii", 7, 8), "SWITCH_CPU_WIDE", "7/9 out, next 7/8"),
    (15, 0, struct.pack("<ii", 7, 8), "SWITCH_CPU_WIDE", "7/9 in, before 7/8"),
    (16, 0, struct.pack("<iiQQQQQ", 7, 9, 2, 4, 4026531840, 4, 4026531838), "NAMESPACES",
     "7/9 net 0x4:4026531840 uts 0x4:4026531838"),
    (17, 0, struct.pack("<QIHH", 0xffffffffc0000000, 64, 2, 1) + b"bpf_trampoline_1\0" + b"\0" * 7,
     "KSYMBOL", "0xffffffffc0000000+0x40 ool unregistered bpf_trampoline_1"),
    (18, 0, struct.pack("<HHI8s", 1, 0, 12, bytes(range(8))), "BPF_EVENT",
     "program 12 loaded tag 0001020304050607"),
    (19, 0, struct.pack("<Q", 5) + b"/system.slice\0\0\0", "CGROUP", "5 /system.slice"),
    (20, 0, struct.pack("<QHH", 0xffffffff81000000, 2, 5) + bytes.fromhex("9090e800000000") +
     b"\0" * 5, "TEXT_POKE", "0xffffffff81000000 old 2 bytes 9090 new 5 bytes e800000000"),
    (21, 0, struct.pack("<Q", 0x1234), "AUX_OUTPUT_HW_ID", "0x1234"),
    (22, 0, struct.pack("<QQQ", 0xabc, 1, 0x400000), "CALLCHAIN_DEFERRED",
     "7/9 cookie 0xabc chain 1"),
]
TOOL_RECORDS = [
    (64, 0, struct.pack("<IIQQQ", 1, 64, 7, 0, 3) + b"\0" * 32 + struct.pack("<QQ", 5, 6),
     "HEADER_ATTR", "type 1 config 0x7 sample_type 0x3 ids 2"),
    (65, 0, struct.pack("<Q64s", 9, b"cycles"), "HEADER_EVENT_TYPE", "9 cycles"),
    (67, 0x8002, struct.pack("<i20sB3x", -1, b"\xab" * 16, 16) + b"/bin/x\0\0", "HEADER_BUILD_ID",
     "ab" * 16 + " pid -1 /bin/x"),
    (69, 0, struct.pack("<QQQqqQQqq", 2, 100, 0, 1, -1, 101, 1, -1, 7), "ID_INDEX",
     "ids 2: 100 cpu 1 tid -1, 101 cpu -1 tid 7"),
    (70, 0, struct.pack("<IIQ", 1, 0, 5), "AUXTRACE_INFO", "type 1"),
    (71, 0, struct.pack("<QQQIiiI", 0, 0x40, 9, 2, 7, 1, 0), "AUXTRACE",
     "0 bytes at 0x40 reference 0x9 buffer 2 tid 7 cpu 1"),
    (72, 0, struct.pack("<IIiiiIQQ64s", 1, 2, 3, 7, 9, 1, 0x400000, 55, b"bad\x1b packet"),
     "AUXTRACE_ERROR", "type 1 code 2 cpu 3 7/9 ip 0x400000 bad\\x1b packet"),
    (73, 0, struct.pack("<QQ16s", 1, 7, b"prog"), "THREAD_MAP", "threads 1: 7 prog"),
    (74, 0, struct.pack("<HHHH", 0, 2, 1, 3), "CPU_MAP", "cpus 2: 1, 3"),
    (74, 0, struct.pack("<HHHIQ", 1, 1, 8, 0, 0x2a) + b"\0" * 6, "CPU_MAP",
     "mask of words 1: 0x2a"),
    (74, 0, struct.pack("<HBBHH", 2, 1, 0, 4, 9), "CPU_MAP", "cpus 4-9 and any"),
    (75, 0, struct.pack("<QQQ", 1, 2, 3), "STAT_CONFIG", "settings 1: 2=3"),
    (76, 0, struct.pack("<QIIQQQ", 100, 1, 2, 3, 4, 5), "STAT",
     "id 100 cpu 1 thread 2 value 3 enabled 4 running 5"),
    (77, 0, struct.pack("<QQ", 1, 66), "STAT_ROUND", "final at 66"),
    (78, 0, struct.pack("<QQ", 0, 100) + b"Joules\0\0", "EVENT_UPDATE", "id 100 unit Joules"),
    (78, 0, struct.pack("<QQd", 1, 100, 0.25), "EVENT_UPDATE", "id 100 scale 0.25"),
    (78, 0, struct.pack("<QQ", 2, 100) + b"energy\0\0", "EVENT_UPDATE", "id 100 name energy"),
    (78, 0, struct.pack("<QQHHHH", 3, 100, 0, 1, 6, 0), "EVENT_UPDATE", "id 100 cpus 1: 6"),
    (79, 0, struct.pack("<QQQ", 31, 1000, 5), "TIME_CONV", "shift 31 mult 1000 zero 5"),
    (80, 0, struct.pack("<QQ", 10, 4), "HEADER_FEATURE", "10 8 bytes"),
    (80, 0, struct.pack("<Q", 256), "HEADER_FEATURE", "256 without content"),
    (82, 0, b"", "FINISHED_INIT", ""),
    (84, 0, struct.pack("<512sQ64s256s", b"prog_a", 1, b"bpf_metadata_version", b"3"),
     "BPF_METADATA", "prog_a 1: bpf_metadata_version=3"),
    (85, 0, struct.pack("<QIHH", 77, 3, 17, 0), "SCHEDSTAT_CPU", "cpu 3 version 17 at 77"),
    (86, 0, struct.pack("<QIHH", 77, 3, 17, 1), "SCHEDSTAT_DOMAIN",
     "cpu 3 version 17 at 77 domain 1"),
    (60000, 0, b"12345678", "type-60000", ""),
]


def check_record_types(tap, fgdump):
    """A record of every type there is, whole, and cut where its fields should be."""
    recording = Recording()
    trailer = recording.events[0].trailer(7, 9, 1000)
    for kind, misc, body, _, _ in KERNEL_RECORDS:
        recording.add(kind, body + trailer, misc)
    for kind, misc, body, _, _ in TOOL_RECORDS:
        recording.add(kind, body, misc)
    run = fgdump(recording.write(fgdump.file("types")), "--records")
    shown = [line for line in run.lines if line.startswith("0x")]
    expected = KERNEL_RECORDS + TOOL_RECORDS
    tap.check(run.status == 0 and len(shown) == len(expected), "a record of every type", run)
    for (_, misc, _, name, fields), line in zip(expected, shown):
        words = line.split(maxsplit=9)
        text = words[9] if len(words) > 9 else ""
        tap.check(words[1] == name and text == fields, f"{name} is shown: {fields}", line)
    short = Recording()
    for kind, misc, body, _, _ in TOOL_RECORDS:
        if len(body) >= 8 and kind < 100 and kind != 71:
            short.add(kind, body[:7], misc)
    run = fgdump(short.write(fgdump.file("short")), "--records")
    shown = [line for line in run.lines if line.startswith("0x")]
    tap.check(shown and all(line.endswith(" malformed") or " AUXTRACE_INFO " in line
                            for line in shown),
              "a record that is too short for its fields says so", run)


def check_stacks(tap, fgdump, path):
    run = fgdump(path, "--stacks")
    lines = [line.split("\t") for line in run.lines]
    tap.check([len(line) for line in lines] == [8] * 3, "--stacks has eight columns", run)
    tap.equal("\n".join("\t".join(line[1:]) for line in lines), "\n".join((
        f"7\t7\t2000\t0\tmodule_unavailable\t{CODE + 16:x}/{STACK:x}\t"
        f"K,ffffffff81000010,U,{CODE + 1:x}",
        f"8\t9\t3000\t0\tno_registers\t-\tU,{CODE + 5:x},{CODE + 9:x}",
        f"7\t7\t4000\t0\tguest\t-\t{CODE:x}")), "--stacks shows walk and chain")
    run = fgdump(path, "--stacks", "--names", "raw")
    names = [line.split("\t")[8:] for line in run.lines]
    tap.check([entry[0] for entry in names] == ["[prog]", "-", "-"], "names of the walk", run)
    tap.check(names[0][1].split(";")[0] == "K" and names[0][1].endswith(";U;[prog]") and
              names[1][1] == "U;[prog];[prog]", "names of the chain stand beside its entries", run)


def check_damage(tap, fgdump, recording):
    whole = recording.bytes()
    ends = [end for end, _ in recording.record_ends()]
    path = fgdump.write("cut", whole[:ends[4] + 5])
    for option, lines in (("--records", 5), ("--stacks", 1)):
        run = fgdump(path, option)
        shown = [line for line in run.lines if line.startswith("0x")]
        tap.check(run.status == 3 and len(shown) == lines and run.err,
                  f"a cut recording is status 3 and shown up to the cut: {option}", run)


def check_closed_pipe(tap, fgdump, recording):
    for i in range(20000):
        recording.comm(9, f"name{i}")
    path = recording.write(fgdump.file("long"))
    running = subprocess.Popen([fgdump.path, path, "--records"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    running.stdout.readline()
    running.stdout.close()
    said = running.stderr.read()
    status = running.wait(TIMEOUT)
    tap.check(status == 0 and not said and status != -signal.SIGPIPE,
              "a reader that has seen enough is no error", f"{status} {said}")


def check_rules(tap, fgdump, path):
    """Random addresses, and the first one of some rows: the same cells as readelf prints."""
    rules = Rules(path)
    chosen = random.Random(1)
    addresses = []
    for _ in range(2000):
        fde = chosen.choice(rules.fdes)
        addresses += [chosen.randrange(fde.start, fde.end), chosen.choice(fde.rows)[0]]
    addresses = [address for address in dict.fromkeys(addresses) if rules.fde_at(address)]
    run = with_input(fgdump, ["--rule", path, "-"], "\n".join(map(hex, addresses)))
    ours = printed_rules(run.stdout)
    wrong = [f"{address:#x}: readelf {rules.at(address)}, fgdump {ours.get(address)}"
             for address in addresses if not rules.agrees(address, ours.get(address))]
    tap.check(len(addresses) > 100 and not wrong and run.returncode == 0,
              f"--rule says what readelf -wF says: {path}, {len(addresses)} addresses",
              "\n".join(wrong[:10]))


def check_sframe(tap, fgdump, name, frame_pointer):
    """CFA, frame pointer and return address by .sframe are those by .eh_frame, at every address."""
    path = FIXTURES / "sframe" / name
    rules = Rules(path)
    addresses = [address for fde in rules.fdes for address in range(fde.start, fde.end)]
    hidden = fgdump.write(name, path.read_bytes().replace(b".eh_frame\0", b".xx_frame\0"))

    def cells(module):
        run = with_input(fgdump, ["--rule", module, "-"], "\n".join(map(hex, addresses)))
        # A register that is where it was is called so by one only.
        return {address: [{"s": "u"}.get(cell, cell)
                          for cell in (fde.rows[0][1].get(column, "u")
                                       for column in ("CFA", frame_pointer, "ra"))]
                for address, fde in printed_rules(run.stdout).items()}

    by_cfi, by_sframe = cells(path), cells(hidden)
    # The PLT's CFA is an expression, and repeated rows in SFrame.
    wrong = [f"{address:#x}: .eh_frame {by_cfi.get(address)}, .sframe {by_sframe.get(address)}"
             for address in addresses if by_cfi.get(address) != by_sframe.get(address)
             and (by_cfi[address][0] != "exp" or address not in by_sframe)]
    tap.check(len(by_cfi) == len(addresses) > 30 and not wrong,
              f"--rule by SFrame: {name}, {len(addresses)} addresses", "\n".join(wrong[:10]))


def check_rule_text(tap, fgdump, program):
    run = fgdump("--rule", program, "0x1")
    tap.check(run.status == 1 and b"no FDE covers this address" in run.out,
              "an address without a rule is said to have none, status 1", run)


def check_symbols(tap, fgdump, program):
    functions = Elf(program).functions()
    for name in ("known_leaf", "known_middle", "_ZN5known5shapeIiEET_S1_"):
        address, size = functions[name]
        text = f"{address + size - 1:x}\n"
        run = with_input(fgdump, ["--symbolize", program, "--names", "raw", "--no-inline"], text)
        tap.check(run.stdout.splitlines()[0] == name, f"--symbolize names {name}", run.stdout)
    address, _ = functions["_ZN5known5shapeIiEET_S1_"]
    run = with_input(fgdump, ["--symbolize", program], f"0x{address:x}\nwhat\nffffffffff\n")
    lines = run.stdout.splitlines()
    tap.check(lines[0] == "known::shape<int>" and lines[2:] == ["", "what", "??", "??:0:0", ""],
              "--symbolize answers as llvm-symbolizer does", run.stdout)


INLINES = """
static int outer(int value);
__attribute__((noinline)) int keep(int value) { return value * 3; }
static inline int inner(int value) {
    for (int i = 0; i < value; ++i) value += keep(i);
    return value;
}
static inline int outer(int value) { return inner(value) + inner(value + 1); }
int main(int argc, char**) { return outer(argc); }
"""


def check_inlines(tap, fgdump):
    """Every tenth byte of a small program's code; names by the linker, as both can give them."""
    name = "--symbolize prints what llvm-symbolizer --inlines prints"
    compiler = next(filter(None, map(shutil.which, ("g++", "clang++-14", "c++"))), None)
    if not compiler or not shutil.which("llvm-symbolizer"):
        return tap.skip(name, "no compiler or no llvm-symbolizer")
    source, program = fgdump.write("inlines.cpp", INLINES.encode()), fgdump.file("inlines")
    subprocess.run([compiler, "-O2", "-g", str(source), "-o", str(program)], check=True)
    text = "".join(f"0x{address:x}\n" for start, size in
                   (Elf(program).functions()[function] for function in ("main", "_Z4keepi"))
                   for address in range(start, start + size, 3))
    theirs = subprocess.run(["llvm-symbolizer", "--inlines", "--no-demangle", f"--obj={program}"],
                            input=text, text=True, stdout=subprocess.PIPE, check=True)
    ours = with_input(fgdump, ["--symbolize", program, "--names", "raw"], text)
    tap.check("\ninner\n" in ours.stdout and ours.stdout.strip() == theirs.stdout.strip(), name,
              f"{ours.stdout}\n--- llvm-symbolizer\n{theirs.stdout}")
    without = with_input(fgdump, ["--symbolize", program, "--no-inline"], text).stdout.split("\n\n")
    tap.check(all(answer.count("\n") == 1 for answer in without if answer),
              "--no-inline leaves one function an address", "\n".join(without))


def main(fgdump, program):
    tap, fgdump = Tap(), Tool(fgdump)
    check_help(tap, fgdump)
    check_usage(tap, fgdump, program)
    check_failures(tap, fgdump, program)
    path = example().write(fgdump.file("example"))
    check_summary(tap, fgdump, path)
    check_records(tap, fgdump, path, example())
    check_record_types(tap, fgdump)
    check_stacks(tap, fgdump, path)
    check_damage(tap, fgdump, example())
    check_closed_pipe(tap, fgdump, example())
    check_rule_text(tap, fgdump, program)
    check_symbols(tap, fgdump, program)
    check_inlines(tap, fgdump)
    if shutil.which("readelf"):
        check_sframe(tap, fgdump, "x86_64.so", "rbp")
        check_sframe(tap, fgdump, "aarch64.so", "r29")
        for binary in (program, "/lib/x86_64-linux-gnu/libc.so.6", "/bin/bash"):
            check_rules(tap, fgdump, binary)
    else:
        tap.skip("--rule says what readelf -wF says", "no readelf")
    tap.finish()


if __name__ == "__main__":
    # The tool runs in a directory of its own, so relative paths would lead nowhere.
    main(sys.argv[1], os.path.abspath(sys.argv[2]))
