#!/usr/bin/env python3
"""fgread and the binaries of a recording: there, missing, replaced, or no file at all.

test_fgread_modules.py FGREAD KNOWN_FUNCTIONS
"""

import json
import os
import shutil
import socket
import sys
import time

from elf import Elf
from fgread_runner import Tap, Tool, died, nobody
from recording import CONTEXT_USER, Recording

BASE = 0x5555_0000_0000
NAMED = b"prog;known_root;known_middle;known_leaf 10\n"
UNNAMED = b"prog;[known];[known];[known] 10\n"


class Case:
    def __init__(self, tap, fgread, program):
        self.tap, self.fgread = tap, fgread
        self.program = program
        elf = Elf(program)
        self.functions = elf.functions()
        self.text = elf.text()
        self.id_offset, self.build_id = elf.build_id()
        self.path = fgread.file("bin") / "known"
        self.path.parent.mkdir()

    def install(self, path=None, change=None):
        """A copy of the program, older than any recording; `change`: offset -> bytes."""
        path = path or self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.remove(path)
        shutil.copyfile(self.program, path)
        if change:
            with open(path, "r+b") as file:
                for offset, data in change.items():
                    file.seek(offset)
                    file.write(data)
        os.utime(path, (1_000_000_000, 1_000_000_000))

    @staticmethod
    def remove(path):
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)

    def address(self, function, inside=1):
        offset, start, _ = self.text
        return BASE + self.functions[function][0] - start + offset + inside

    def recording(self, build_id=True, local=True, name="modules.data", path=None):
        offset, start, size = self.text
        recording = Recording(local=local)
        recording.comm(7, "prog", exec_=True)
        recording.mmap(7, str(path or self.path), BASE + offset, size + 4096, offset,
                       self.build_id if build_id else "")
        recording.sample(7, [CONTEXT_USER, self.address("known_leaf"),
                             self.address("known_middle", 5), self.address("known_root", 5)],
                         period=10)
        return recording.write(self.fgread.file(name))

    def expect(self, name, output, *arguments, state=None, words=(), recording=None, **options):
        recording = recording or self.recording()
        start = time.monotonic()
        run = self.fgread(recording, *arguments, **options)
        took = time.monotonic() - start
        self.tap.check(run.status == 0 and run.out == output and not died(run), name, run)
        self.tap.check(took < 5, f"{name}: takes no time", took)
        warned = [line for line in run.err.splitlines() if "warning" in line]
        if words:
            about = [line for line in warned if all(word in line for word in words)]
            self.tap.check(len(about) == 1, f"{name}: one warning that says so", run)
        else:
            self.tap.check(not warned, f"{name}: no warning", run)
        if state:
            run = self.fgread(recording, *arguments, "-q", "--stats=json", **options)
            modules = {module["path"]: module for module in json.loads(run.err)["modules"]}
            module = modules.get(str(self.path), {})
            self.tap.check(module.get("state") == state and module.get("samples") == 1,
                           f"{name}: state {state} in the statistics", modules)


def check_found(case):
    case.install()
    case.expect("a binary of the recorded build-id is used", NAMED, state="loaded")
    case.expect("also for a recording of another machine", NAMED,
                recording=case.recording(local=False), state="loaded")
    case.expect("without a build-id, a local file older than the recording is used", NAMED,
                recording=case.recording(build_id=False), state="loaded")
    os.utime(case.path, None)
    case.expect("a changed time does not matter where the build-id is equal", NAMED)


def check_replaced(case):
    other = bytes(byte ^ 0xff for byte in bytes.fromhex(case.build_id))
    case.install(change={case.id_offset: other})
    case.expect("a binary of another build-id is not used", UNNAMED, state="mismatch",
                words=[str(case.path), case.build_id, other.hex(), "1 sample"])
    case.expect("not even when --symfs names its root", UNNAMED, "--symfs", "/",
                words=[str(case.path), case.build_id])


def check_foreign(case):
    case.install()
    case.expect("without a build-id, a file of another machine's recording is not used", UNNAMED,
                recording=case.recording(build_id=False, local=False), state="foreign",
                words=[str(case.path), "build-id"])
    recording = case.recording(build_id=False)
    os.utime(case.path, (4_000_000_000, 4_000_000_000))
    case.expect("without a build-id, a file newer than the recording is not used", UNNAMED,
                recording=recording, state="mismatch", words=[str(case.path), "changed"])
    case.install(path=case.path.with_name("new"))
    recording = case.recording(build_id=False)
    case.path.with_name("new").rename(case.path)
    case.expect("without a build-id, a file of another inode is not used", UNNAMED,
                recording=recording, state="mismatch", words=[str(case.path), "replaced"])


def check_missing(case):
    case.remove(case.path)
    case.expect("a missing binary", UNNAMED, state="missing", words=[str(case.path), "not found"])


def check_symfs(case):
    case.remove(case.path)
    root = case.fgread.file("symfs")
    case.install(root / str(case.path).lstrip("/"))
    case.expect("a binary below --symfs is used", NAMED, "--symfs", root)
    case.expect("also without a build-id, for a recording of another machine", NAMED, "--symfs",
                root, recording=case.recording(build_id=False, local=False))
    case.expect("--symfs may be relative and end in a slash", NAMED, "--symfs", "symfs/")
    case.install()
    shutil.rmtree(root)
    root.mkdir()
    case.expect("what is not below --symfs is looked for where it was", NAMED, "--symfs", root)


def check_no_files(case):
    """Never opened in a way that waits or has an effect."""
    case.remove(case.path)
    words = [str(case.path), "not a regular file"]
    os.mkfifo(case.path)
    case.expect("a FIFO instead of a binary", UNNAMED, state="not_regular", words=words)
    case.remove(case.path)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(case.path))
    case.expect("a socket instead of a binary", UNNAMED, state="not_regular", words=words)
    listener.close()
    case.remove(case.path)
    for device in ("/dev/zero", "/dev/full", "/dev/tty"):
        case.path.symlink_to(device)
        case.expect(f"{device} instead of a binary", UNNAMED, state="not_regular", words=words)
        case.remove(case.path)
    case.path.mkdir()
    case.expect("a directory instead of a binary", UNNAMED, state="not_regular", words=words)
    case.path.rmdir()
    case.path.symlink_to("known")
    case.expect("a link to itself instead of a binary", UNNAMED, words=[str(case.path)])
    case.remove(case.path)


def check_no_elf(case):
    whole = open(case.program, "rb").read()
    contents = {
        "an empty file": b"",
        "a text file": b"#!/bin/sh\necho hello\n",
        "four bytes of ELF": b"\x7fELF",
        "an ELF header alone": whole[:64],
        "zeros": b"\0" * 65536,
        "half a binary": whole[:len(whole) // 2],
        "an ELF of 32 bits": whole[:4] + b"\x01" + whole[5:],
        "an ELF of another byte order": whole[:5] + b"\x02" + whole[6:],
        "an ELF without segments": whole[:0x36] + b"\0" * 10 + whole[0x40:],
    }
    for name, content in contents.items():
        case.path.write_bytes(content)
        os.utime(case.path, (1_000_000_000, 1_000_000_000))
        for build_id in (True, False):
            recording = case.recording(build_id=build_id)
            run = case.fgread(recording)
            case.tap.check(run.status == 0 and run.total == 10 and not died(run),
                           f"{name} instead of a binary does no harm", run)
    case.path.write_bytes(contents["a text file"])
    os.utime(case.path, (1_000_000_000, 1_000_000_000))
    case.expect("a text file instead of a binary is told", UNNAMED, words=[str(case.path), "not an ELF"],
                recording=case.recording(build_id=False), state="unreadable")
    copy = case.fgread.file("bad") / str(case.path).lstrip("/")
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"text")
    case.expect("of one below --symfs, the copy is named", UNNAMED, "--symfs",
                case.fgread.file("bad"), words=[f"{case.path}: {copy}: not an ELF file"])
    for name, why in (("an empty file", "an empty file"), ("four bytes of ELF", "damaged or cut")):
        case.path.write_bytes(contents[name])
        case.expect(f"{name} instead of a binary is told", UNNAMED, words=[str(case.path), why])


def check_permission(case):
    case.install()
    case.path.chmod(0)
    recording = case.recording()
    for path in (case.fgread.directory, case.path.parent):
        path.chmod(0o755)
    try:
        case.fgread("--version", preexec_fn=nobody)
    except PermissionError:
        case.tap.skip("a binary that may not be read", "the tool cannot be reached as nobody")
        return
    case.expect("a binary that may not be read", UNNAMED, recording=recording, state="unreadable",
                words=[str(case.path), "cannot be read: Permission denied"], preexec_fn=nobody)
    case.path.chmod(0o644)


def check_many(case):
    """Messages stay few however many binaries are missing."""
    recording = Recording()
    recording.comm(7, "prog", exec_=True)
    for i in range(40):
        start = BASE + i * 0x10000
        recording.mmap(7, f"/nonexistent/lib{i}.so", start, 0x1000)
        recording.sample(7, [CONTEXT_USER, start + 16], period=i + 1)
    run = case.fgread(recording.write(case.fgread.file("many.data")))
    case.tap.check(run.status == 0 and len(run.lines) == 40, "40 missing binaries", run)
    case.tap.check(len(run.err.splitlines()) < 10 and "37 more" in run.err,
                   "a few are named, the others counted", run)


def main(path, program):
    tap = Tap()
    case = Case(tap, Tool(path), program)
    for check in (check_found, check_replaced, check_foreign, check_missing, check_symfs,
                  check_no_files, check_no_elf, check_permission, check_many):
        check(case)
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
