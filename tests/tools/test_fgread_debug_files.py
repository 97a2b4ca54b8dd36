#!/usr/bin/env python3
"""fgread and debug information that is not in the binary itself.

test_fgread_debug_files.py FGREAD KNOWN_FUNCTIONS KNOWN_FUNCTIONS_SOURCE COMPILER...
"""

import json
import lzma
import os
import shutil
import subprocess
import sys

from elf import Elf
from fgread_runner import Tap, Tool, died
from recording import CONTEXT_USER, Recording

BASE = 0x5555_0000_0000
NAMED = b"prog;known_root;known_middle;known_leaf 10\n"
UNNAMED = b"prog;[known];[known];[known] 10\n"


def run(*command):
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


class Program:
    """The known functions, stripped, and their debug file."""

    def __init__(self, fgread, program):
        self.fgread, self.program = fgread, program
        self.elf = Elf(program)
        self.build_id = self.elf.build_id()[1]
        self.path = self.put("bin/known")
        self.debug = self.put("known.debug")
        run("objcopy", "--only-keep-debug", program, self.debug)
        run("strip", "-o", self.path, program)
        self.age(self.path)

    def put(self, name):
        path = self.fgread.file(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @staticmethod
    def age(path):
        """Older than any recording."""
        os.utime(path, (1_000_000_000, 1_000_000_000))

    def place(self, name, source=None):
        path = self.put(name)
        shutil.copyfile(source or self.debug, path)
        return path

    def clear(self, *names):
        for name in names:
            shutil.rmtree(self.fgread.file(name), ignore_errors=True)

    def recording(self, path=None, name="debug.data", local=True, build_id=True):
        offset, start, size = self.elf.text()
        functions = self.elf.functions()

        def address(function, inside):
            return BASE + functions[function][0] - start + offset + inside

        recording = Recording(local=local)
        recording.comm(7, "prog", exec_=True)
        recording.mmap(7, str(path or self.path), BASE + offset, size + 4096, offset,
                       self.build_id if build_id else "")
        recording.sample(7, [CONTEXT_USER, address("known_leaf", 1), address("known_middle", 5),
                             address("known_root", 5)], period=10)
        return recording.write(self.fgread.file(name))


class Case:
    def __init__(self, tap, fgread, program):
        self.tap, self.fgread, self.program = tap, fgread, program

    def expect(self, name, output, *arguments, recording=None, words=None, **options):
        done = self.fgread(recording or self.program.recording(), *arguments, **options)
        self.tap.check(done.status == 0 and done.out == output and not died(done), name, done)
        if words:
            about = [line for line in done.err.splitlines() if all(word in line for word in words)]
            self.tap.check(len(about) == 1, f"{name}: a message says so", done)
        return done

    def stats(self, *arguments, recording=None):
        done = self.fgread(recording or self.program.recording(), *arguments, "-q", "--stats=json")
        return json.loads(done.err)


def check_debug_dir(case):
    program = case.program
    digits = program.build_id
    case.expect("a stripped binary without debug file has no names", UNNAMED)
    by_id = f"debug/.build-id/{digits[:2]}/{digits[2:]}.debug"
    layouts = {
        "by build-id": by_id,
        "by path": f"debug/{program.path}.debug",
    }
    for how, place in layouts.items():
        found = program.place(place)
        case.expect(f"--debug-dir: {how}", NAMED, "--debug-dir", case.fgread.file("debug"))
        case.expect(f"--debug-dir: {how}, relative", NAMED, "--debug-dir", "bin/../debug/")
        case.expect(f"--debug-dir: {how}, the second of two", NAMED, "--debug-dir", "bin",
                    "--debug-dir", "debug")
        module = case.stats("--debug-dir", "debug")["modules"][0]
        case.tap.equal(module["debug_file"], str(found), f"--debug-dir: {how}, the file is told")
        program.clear("debug")
    linked = program.put("debug-link/known")
    run("objcopy", f"--add-gnu-debuglink={program.debug}", program.path, linked)
    program.age(linked)
    program.place(f"debug/{linked.parent}/known.debug")
    case.expect("--debug-dir: by debuglink", NAMED, "--debug-dir", "debug",
                recording=program.recording(path=linked))
    program.clear("debug")


def check_bad_debug_files(case):
    program = case.program
    digits = program.build_id
    id_offset = Elf(program.debug).data.index(bytes.fromhex(digits))
    whole = program.debug.read_bytes()
    contents = {
        "another build's": whole[:id_offset] + b"\0" * 20 + whole[id_offset + 20:],
        "empty": b"",
        "text": b"no debug information",
        "cut": whole[:len(whole) // 2],
    }
    for name, content in contents.items():
        program.put(f"debug/.build-id/{digits[:2]}/{digits[2:]}.debug").write_bytes(content)
        program.put(f"debug/{program.path}.debug").write_bytes(content)
        done = case.fgread(program.recording(), "--debug-dir", "debug")
        case.tap.check(done.status == 0 and done.total == 10 and not died(done),
                       f"a debug file that is {name} does no harm", done)
        if name != "cut":
            case.tap.check(done.out == UNNAMED, f"a debug file that is {name} is not used", done)
    program.clear("debug")
    path = program.put(f"debug/.build-id/{digits[:2]}/{digits[2:]}.debug")
    os.mkfifo(path)
    case.expect("a FIFO instead of a debug file", UNNAMED, "--debug-dir", "debug")
    program.clear("debug")
    done = case.fgread(program.recording(), "--debug-dir", "nowhere")
    case.tap.check(done.status == 2 and "nowhere" in done.err, "--debug-dir must exist", done)


def check_symfs(case):
    """A copy of the binary; its debug file in the copy, and on this machine."""
    program = case.program
    digits = program.build_id
    program.place(f"root/{program.path}", program.path)
    recording = program.recording(local=False)
    case.expect("a stripped copy below --symfs", UNNAMED, "--symfs", "root", recording=recording)
    program.place(f"root/usr/lib/debug/.build-id/{digits[:2]}/{digits[2:]}.debug")
    case.expect("/usr/lib/debug below --symfs is searched", NAMED, "--symfs", "root",
                recording=recording)
    program.clear("root/usr")
    program.place(f"debug/{program.path}.debug")
    case.expect("--debug-dir serves binaries below --symfs", NAMED, "--symfs", "root",
                "--debug-dir", "debug", recording=recording)
    program.clear("root", "debug")


def check_mini_debug_info(case):
    program = case.program
    mini = program.put("mini.elf")
    run("objcopy", "-S", "--remove-section", ".comment", "--keep-symbol=known_leaf",
        "--keep-symbol=known_middle", "--keep-symbol=known_root", program.debug, mini)
    packed = program.put("mini.xz")
    packed.write_bytes(lzma.compress(mini.read_bytes()))
    binary = program.put("mini/known")
    for name, content, expected in (
            ("MiniDebugInfo names functions", packed.read_bytes(), NAMED),
            ("MiniDebugInfo that is cut names none", packed.read_bytes()[:200], UNNAMED),
            ("a bomb instead of MiniDebugInfo", lzma.compress(b"\0" * (64 << 20)), UNNAMED)):
        packed.write_bytes(content)
        run("objcopy", "--add-section", f".gnu_debugdata={packed}", program.path, binary)
        program.age(binary)
        case.expect(name, expected, recording=program.recording(path=binary))


def check_split(case, source, compiler):
    """Debug information in .dwo files."""
    directory = case.fgread.file("split")
    directory.mkdir()
    binary = directory / "known"
    run(*compiler, "-O2", "-g", "-gsplit-dwarf", "-Wl,--build-id=sha1", "-c", source, "-o",
        directory / "known.o")
    run(*compiler, "-Wl,--build-id=sha1", directory / "known.o", "-o", binary)
    program = Program(case.fgread, case.program.program)
    program.elf, program.build_id = Elf(binary), Elf(binary).build_id()[1]
    recording = program.recording(path=binary)
    done = case.expect("split debug information is read", NAMED, recording=recording)
    case.tap.check("dwo" not in done.err, "split debug information: no warning", done)
    dwo = next(directory.glob("*.dwo"))
    dwo.rename(directory / "away")
    case.expect("split debug information that is missing", NAMED, recording=recording,
                words=["warning", ".dwo", dwo.name])
    problem = case.stats(recording=recording)["problems"]["split_debug_missing"]
    case.tap.check(problem["count"] == 1 and problem["first_detail"] == str(dwo),
                   "the missing .dwo file is in the statistics", problem)
    dwo.write_bytes((directory / "away").read_bytes()[:1000])
    case.expect("split debug information that is cut", NAMED, recording=recording)


def check_damage_told(case):
    """Damaged debug information is counted in --stats."""
    program = case.program
    binary = program.put("damaged/known")
    empty = program.put("garbage")
    empty.write_bytes(b"\x40\0\0\0\x09\0garbage" + b"\xff" * 60)
    run("objcopy", "--add-section", f".debug_info={empty}", program.program, binary)
    program.age(binary)
    recording = program.recording(path=binary)
    case.expect("damaged debug information does not hide symbols", NAMED, recording=recording)
    count = case.stats(recording=recording)["problems"]["debug_info_malformed"]["count"]
    case.tap.check(count > 0, "damaged debug information is counted", count)
    text = case.fgread(recording, "-q", "--stats").err
    case.tap.check("debug_info_malformed" in text and str(binary) in text,
                   "damaged debug information is shown by --stats", text)


def main(path, known, source, compiler):
    tap = Tap()
    fgread = Tool(path)
    case = Case(tap, fgread, Program(fgread, known))
    for check in (check_debug_dir, check_bad_debug_files, check_symfs, check_mini_debug_info,
                  check_damage_told):
        check(case)
    check_split(case, source, compiler)
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
