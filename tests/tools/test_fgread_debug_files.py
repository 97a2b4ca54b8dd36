#!/usr/bin/env python3
"""fgread and debug information that is not in the binary itself.

test_fgread_debug_files.py FGREAD KNOWN_FUNCTIONS KNOWN_FUNCTIONS_SOURCE COMPILER...
"""

import gzip
import io
import json
import lzma
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request

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
        self.fgread, self.program = fgread, pathlib.Path(program)
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

    def recording(self, path=None, name="debug.data", local=True, build_id=True, pid=7):
        offset, start, size = self.elf.text()
        functions = self.elf.functions()

        def address(function, inside):
            return BASE + functions[function][0] - start + offset + inside

        recording = Recording(local=local)
        recording.comm(pid, "prog", exec_=True)
        recording.mmap(pid, str(path or self.path), BASE + offset, size + 4096, offset,
                       self.build_id if build_id else "")
        recording.sample(pid, [CONTEXT_USER, address("known_leaf", 1), address("known_middle", 5),
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
    # One that has debug information (a build for sanitizers) loses it first.
    run("objcopy", "--strip-debug", program.program, binary)
    run("objcopy", "--add-section", f".debug_info={empty}", binary)
    program.age(binary)
    recording = program.recording(path=binary)
    case.expect("damaged debug information does not hide symbols", NAMED, recording=recording)
    count = case.stats(recording=recording)["problems"]["debug_info_malformed"]["count"]
    case.tap.check(count > 0, "damaged debug information is counted", count)
    text = case.fgread(recording, "-q", "--stats").err
    case.tap.check("debug_info_malformed" in text and str(binary) in text,
                   "damaged debug information is shown by --stats", text)


def check_container(case):
    """A binary that exists only beneath the root of a process that still lives."""
    program = case.program
    if os.geteuid() != 0:
        case.tap.skip("a binary in a container", "chroot needs root")
        return
    inside = "/inside-of-fgread-test/known"
    program.place(f"jail/{inside}", program.program)
    program.age(case.fgread.file("jail" + inside))
    ready, report = os.pipe()
    child = os.fork()
    if child == 0:
        os.chroot(case.fgread.file("jail"))
        os.write(report, b"x")
        while True:
            signal.pause()
    os.read(ready, 1)
    try:
        recording = program.recording(path=inside, pid=child)
        case.expect("a binary of a living container is used", NAMED, recording=recording)
        module = case.stats(recording=recording)["modules"][0]
        case.tap.equal(module["file"], f"/proc/{child}/root{inside}", "the file used is told")
        case.expect("not for a recording of another machine, without a build-id", UNNAMED,
                    recording=program.recording(path=inside, pid=child, local=False,
                                                build_id=False))
        case.expect("not where only the process id says that it is the same", UNNAMED,
                    recording=program.recording(path=inside, pid=child, build_id=False))
        shutil.copyfile("/proc/self/exe", case.fgread.file("jail" + inside))
        case.expect("another binary of a container is not used", UNNAMED, recording=recording)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    case.expect("a container that is gone", UNNAMED, recording=recording,
                words=["warning", inside, "not found"])
    program.clear("jail")


def check_deleted(case):
    program = case.program
    recording = program.recording(path=f"{program.path} (deleted)", build_id=False)
    case.expect("a deleted binary without a build-id is not taken for another", UNNAMED,
                recording=recording, words=["warning", "deleted or replaced"])
    gone = case.fgread.file("gone/known")
    case.expect("a deleted binary that is gone", UNNAMED,
                recording=program.recording(path=f"{gone} (deleted)"),
                words=["warning", str(gone), "deleted before"])


def tar_of(name, members, mode):
    with tarfile.open(name, mode) as archive:
        for path, content in members.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return name


def check_archive(case):
    """As 'perf archive' packs it, for a recording of a machine whose files are not here."""
    program = case.program
    recording = program.recording(path="/far/away/known", local=False)
    place = f"far/away/known/{program.build_id}"
    elf = {f"{place}/probes": b"", f"{place}/elf": program.program.read_bytes()}
    for suffix, mode in (("tar", "w"), ("tar.bz2", "w:bz2"), ("tar.gz", "w:gz"),
                         ("tar.xz", "w:xz")):
        archive = tar_of(case.fgread.file(f"perf.data.{suffix}"), elf, mode)
        case.expect(f"a binary in a .{suffix}", NAMED, "--archive", archive, recording=recording)
    case.expect("an archive by a relative path, and another option", NAMED, "--archive",
                "perf.data.tar", "--annotate", recording=recording)
    module = case.stats("--archive", "perf.data.tar", recording=recording)["modules"][0]
    case.tap.check(module["file"].endswith(f"perf.data.tar: {place}/elf"), "the member is told",
                   module)
    parts = {f"{place}/elf": program.path.read_bytes(), f"{place}/debug": program.debug.read_bytes()}
    archive = tar_of(case.fgread.file("parts.tar"), parts, "w")
    case.expect("a stripped binary and its debug file", NAMED, "--archive", archive,
                recording=recording)
    other = {f"{place}/elf": open("/proc/self/exe", "rb").read()}
    archive = tar_of(case.fgread.file("other.tar"), other, "w")
    case.expect("a member that is not what its name says", UNNAMED, "--archive", archive,
                recording=recording)
    case.expect("... is passed over for the next archive", NAMED, "--archive", archive,
                "--archive", "perf.data.tar.gz", recording=recording)
    unused = tar_of(case.fgread.file("unused.tar"), {"x/" + "ab" * 20 + "/elf": b"x"}, "w")
    done = case.expect("an archive of another recording", UNNAMED, "--archive", unused,
                       recording=recording, words=["warning", "unused.tar"])
    case.tap.check("leaves out binaries" in done.err, "what archives lack is told", done)
    beside = tar_of(pathlib.Path(f"{recording}.tar.gz"), elf, "w:gz")
    case.expect("an archive beside the recording is told of", UNNAMED, recording=recording,
                words=[f"--archive {beside} takes"])
    beside.unlink()
    cut = case.fgread.write("cut.tar", case.fgread.file("perf.data.tar").read_bytes()[:9000])
    case.expect("an archive that is cut", UNNAMED, "--archive", cut, recording=recording,
                words=["warning", "cut or damaged", "cut.tar"])
    bomb = case.fgread.write("bomb.tar.gz", gzip.compress(b"\0" * (1 << 20)) * 64)
    for name in (bomb, program.path, case.fgread.write("empty.tar", b"")):
        done = case.fgread(recording, "--archive", name)
        case.tap.check(done.status == 1 and name.name in done.err and not died(done),
                       f"{name.name} is no archive", done)
    links = case.fgread.file("links.tar")
    with tarfile.open(links, "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
            member = tarfile.TarInfo(f"{place}/elf")
            member.type, member.linkname = kind, str(program.program)
            archive.addfile(member)
    case.expect("links in an archive are not followed", UNNAMED, "--archive", links,
                recording=recording)
    if not shutil.which("perf") or not shutil.which("bzip2"):
        case.tap.skip("a tar of 'perf archive'", "perf or bzip2 is not installed")
        return
    check_perf_archive(case)


def check_perf_archive(case):
    program = case.program
    home = case.fgread.file("home")
    home.mkdir(exist_ok=True)
    binary = program.put("recorded/known")
    shutil.copyfile(program.program, binary)
    program.age(binary)
    environment = {**os.environ, "HOME": str(home)}
    recording = program.recording(path=binary, name="made.data")
    for command in (["perf", "buildid-cache", "--add", str(binary)], ["perf", "archive", recording]):
        made = subprocess.run(command, cwd=case.fgread.directory, env=environment,
                              capture_output=True, text=True)
    archive = case.fgread.file("made.data.tar.bz2")
    if not archive.exists():
        case.tap.skip("a tar of 'perf archive'", f"perf archive made none: {made.stderr[:200]!r}")
        return
    binary.unlink()
    case.expect("a tar of 'perf archive'", NAMED, "--archive", archive, recording=recording)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """debuginfod on loopback, for the files in a directory."""

    def __init__(self, directory, build_id):
        self.url = f"http://127.0.0.1:{free_port()}"
        self.process = subprocess.Popen(
            ["debuginfod", "-d", ":memory:", "-F", "-p", self.url.rpartition(":")[2], directory],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.ready = any(self._has(build_id) or time.sleep(0.1) for _ in range(150))

    def _has(self, build_id):
        try:
            for kind in ("debuginfo", "executable"):
                urllib.request.urlopen(f"{self.url}/buildid/{build_id}/{kind}", timeout=5).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.kill()
        self.process.wait()


def check_debuginfod(case):
    program = case.program
    home = case.fgread.file("fetch-home")
    home.mkdir()
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith(("DEBUGINFOD", "XDG_", "http", "HTTP"))}
    clean["HOME"] = str(home)
    cache = home / ".cache"
    done = case.fgread(program.recording(), "--debuginfod", env=clean)
    case.tap.check(done.status == 1 and ("DEBUGINFOD_URLS" in done.err or "libdebuginfod" in done.err),
                   "--debuginfod without servers is told", done)
    if not shutil.which("debuginfod") or "libdebuginfod" in done.err:
        case.tap.skip("debuginfod", "debuginfod or libdebuginfod is not installed")
        return
    dead = f"--debuginfod=http://127.0.0.1:{free_port()}"
    case.expect("a server that is not there", UNNAMED, dead, env=clean,
                words=["warning", "debuginfod"])
    shutil.rmtree(cache, ignore_errors=True)
    program.place("served/known.debug")
    program.place("served/known", program.program)
    server = Server(case.fgread.file("served"), program.build_id)
    try:
        if not case.tap.check(server.ready, "debuginfod serves the files"):
            return
        given = {**clean, "DEBUGINFOD_URLS": server.url}
        case.expect("nothing is fetched unless asked for", UNNAMED, env=given)
        case.tap.check(not cache.exists(), "nothing was fetched", list(home.iterdir()))
        case.expect("a debug file is fetched", NAMED, "--debuginfod", env=given)
        shutil.rmtree(cache)
        case.expect("... from servers named by the option", NAMED, f"--debuginfod={server.url}",
                    env=clean)
        shutil.rmtree(cache)
        away = program.recording(path="/far/away/known", local=False)
        case.expect("a binary is fetched", NAMED, "--debuginfod", env=given, recording=away)
        shutil.rmtree(cache)
        unknown = program.build_id
        program.build_id = "ab" * 20
        recording = program.recording(path="/far/away/known", local=False)
        program.build_id = unknown
        done = case.expect("what no server has", UNNAMED, "--debuginfod", env=given,
                           recording=recording)
        case.tap.check("debuginfod" not in done.err, "what no server has is no failure", done)
    finally:
        server.stop()


def main(path, known, source, compiler):
    tap = Tap()
    fgread = Tool(path)
    case = Case(tap, fgread, Program(fgread, known))
    for check in (check_debug_dir, check_bad_debug_files, check_symfs, check_mini_debug_info,
                  check_damage_told, check_container, check_deleted, check_archive,
                  check_debuginfod):
        check(case)
    check_split(case, source, compiler)
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
