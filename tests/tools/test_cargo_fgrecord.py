#!/usr/bin/env python3
"""cargo fgrecord, with a cargo and a perf of our own and, where they are, with the real ones.
   test_cargo_fgrecord.py FGRECORD RECORDING"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from fake_program import FakePrograms, recorder
from fgread_runner import Tap, Tool

# A build takes seconds on an idle machine.
BUILD_TIMEOUT = 120


def artifact(package, kind, name, executable):
    return {"reason": "compiler-artifact", "package_id": "demo", "executable": executable,
            "manifest_path": f"{package}/Cargo.toml", "target": {"kind": [kind], "name": name}}


def cargo(messages, status=0, default_run=None, package=""):
    """A cargo that prints these messages, and metadata when asked."""
    metadata = {"packages": [{"manifest_path": f"{package}/Cargo.toml",
                              "default_run": default_run}]}
    lines = "\n".join(m if isinstance(m, str) else json.dumps(m) for m in messages)
    return (f"print({json.dumps(metadata)!r} if arguments[0] == 'metadata' else {lines!r})\n"
            f"sys.exit({status})\n")


class Package:
    """A directory with programs in it that cargo could have built."""

    def __init__(self, fgrecord, programs):
        self.fgrecord, self.programs = fgrecord, programs
        self.path = fgrecord.file("package")
        self.path.mkdir()
        self.program = self.path / "program"
        self.program.write_text("#!/bin/sh\npwd; echo $CARGO_MANIFEST_DIR; echo \"$@\"\n")
        self.program.chmod(0o755)

    def built(self, *targets):
        return [artifact(self.path, kind, name, str(self.program)) for kind, name in targets]

    def run(self, messages, *arguments, **options):
        fake = {name: options.pop(name) for name in ("status", "default_run") if name in options}
        self.programs.add("cargo", cargo(messages, package=str(self.path), **fake))
        return self.programs.run("fgrecord", "-e", "cpu-clock", *arguments, **options)


def after(arguments, option):
    return arguments[arguments.index(option) + 1] if option in arguments else None


def check_help(tap, fgrecord):
    run = fgrecord("fgrecord", "--version")
    tap.check(run.status == 0 and run.out.startswith(b"cargo-fgrecord "), "--version", run)
    run = fgrecord("fgrecord", "--help")
    text = run.out.decode()
    tap.check(run.status == 0 and "Usage: cargo fgrecord" in text, "--help of cargo fgrecord", run)
    tap.check(max(map(len, text.splitlines())) <= 100, "--help fits a terminal of 100 columns")
    for arguments in (["--bin", "a", "--test", "b"], ["--dev", "--release"],
                      ["--dev", "--profile", "bench"], ["stray"], ["--bogus"]):
        run = fgrecord("fgrecord", *arguments)
        tap.check(run.status == 2, f"wrong usage: {' '.join(arguments)}", run)


def check_arguments(tap, package):
    run, calls = package.run(package.built(("bin", "demo")))
    tap.check(run.status == 0 and len(calls) == 2, "the only program is built and recorded", run)
    build = calls[0]
    tap.check(build["arguments"] == ["build", "--message-format", "json-render-diagnostics",
                                     "--profile", "release"], "with the release profile", build)
    set_here = {name: value for name, value in build["environment"].items()
                if name.startswith("CARGO_PROFILE")}
    tap.check(set_here == {"CARGO_PROFILE_RELEASE_DEBUG": "1", "CARGO_PROFILE_RELEASE_STRIP": "none"},
              "with debug information, by environment", build)
    run, calls = package.run(package.built(("bin", "demo")),
                             env={"CARGO_PROFILE_RELEASE_DEBUG": "full"})
    tap.check(calls[0]["environment"]["CARGO_PROFILE_RELEASE_DEBUG"] == "full",
              "what the user set counts", calls)
    run, calls = package.run(package.built(("bin", "demo")), "--dev")
    build = calls[0]
    tap.check(after(build["arguments"], "--profile") == "dev" and
              not any(name.startswith("CARGO_PROFILE") for name in build["environment"]),
              "--dev is built as it is", build)
    run, calls = package.run(package.built(("bin", "demo")), "--profile", "with-lto")
    tap.check(calls[0]["environment"].get("CARGO_PROFILE_WITH_LTO_DEBUG") == "1",
              "a profile of the user's", calls)
    run, calls = package.run(package.built(("bin", "demo")), "--features", "a,b", "--features", "c",
                             "--all-features", "--no-default-features", "-p", "demo",
                             "--manifest-path", "x/Cargo.toml")
    tap.check(calls[0]["arguments"][5:] == ["--features", "a,b", "--features", "c",
                                            "--all-features", "--no-default-features", "--package",
                                            "demo", "--manifest-path", "x/Cargo.toml"],
              "options go to cargo", calls)


def check_targets(tap, package):
    every = package.built(("bin", "one"), ("example", "one"), ("test", "one"), ("bench", "one"))
    for kind in ("bin", "example", "test", "bench"):
        run, calls = package.run(["not JSON", "[]", {"reason": 1}, *every], f"--{kind}", "one", "--",
                                 "a b", "--c")
        tap.check(after(calls[0]["arguments"], f"--{kind}") == "one", f"cargo builds --{kind}", calls)
        directory, manifest, words = run.out.decode().splitlines()[-3:]
        tap.check(words == ("--bench a b --c" if kind == "bench" else "a b --c"),
                  f"{kind}: the program's arguments", run)
        here = package.path if kind in ("test", "bench") else package.fgrecord.directory
        tap.check(os.path.samefile(directory, here) and manifest == str(package.path),
                  f"{kind}: its directory and CARGO_MANIFEST_DIR", run)
    tap.check(package.fgrecord.file("flamegraph.svg").is_file(), "the picture is in our directory")
    run, _ = package.run(every, "--test", "one", "--keep=kept.data")
    tap.check(package.fgrecord.file("kept.data").is_file(), "and the recording that is kept", run)


def check_choice(tap, package):
    several = package.built(("bin", "two"), ("bin", "one"))
    run, calls = package.run(several)
    tap.check(run.status == 1 and "--bin one, --bin two" in run.err, "several programs are named", run)
    tap.check(all(call["arguments"][0] != "record" for call in calls), "and none is recorded", calls)
    run, _ = package.run(several, default_run="two")
    tap.check(run.status == 0, "default-run of Cargo.toml decides", run)
    run, _ = package.run([])
    tap.check(run.status == 1 and "is a library" in run.err, "a library has no program", run)
    run, calls = package.run([], status=101)
    tap.check(run.status == 1 and "could not build" in run.err and len(calls) == 1,
              "a build that fails", run)
    empty = package.fgrecord.file("empty")
    empty.mkdir()
    run = package.fgrecord("fgrecord", env={**os.environ, "PATH": str(empty)})
    tap.check(run.status == 1 and "cargo is not installed" in run.err, "no cargo", run)


SOURCE = """
#[inline(always)]
fn inlined_step(x: u64) -> u64 {{
    std::hint::black_box(x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407))
}}
#[inline(never)]
fn churn() -> u64 {{ let mut x = 1; for _ in 0..200_000_000u64 {{ x = inlined_step(x); }} x }}
{main}
"""
PROGRAM = SOURCE.format(main="fn main() { println!(\"{}\", churn()); }")
TEST = SOURCE.format(main="#[test] fn it_works() { assert_ne!(churn(), 0); }")


def check_real(tap, fgrecord):
    name = "a real Cargo package"
    if not shutil.which("cargo"):
        return tap.skip(name, "there is no cargo")
    perf = shutil.which("perf")
    probe = perf and subprocess.run([perf, "record", "-o", fgrecord.file("probe"), "true"],
                                    capture_output=True)
    if not perf or probe.returncode != 0:
        return tap.skip(name, "perf cannot record here")
    crate = fgrecord.file("crate")
    for path, text in (("Cargo.toml", "[package]\nname = \"demo\"\nversion = \"0.1.0\"\n"
                        "edition = \"2021\"\n[profile.release]\nstrip = true\n"),
                       ("src/bin/one.rs", PROGRAM), ("src/bin/two.rs", PROGRAM),
                       ("examples/shown.rs", PROGRAM), ("tests/checked.rs", TEST)):
        (crate / path).parent.mkdir(parents=True, exist_ok=True)
        (crate / path).write_text(text)
    manifest = (crate / "Cargo.toml").read_bytes()
    for target in (["--bin", "two"], ["--example", "shown"], ["--test", "checked"]):
        done = subprocess.run([fgrecord.path, "fgrecord", *target, "-o", "out.folded"], cwd=crate,
                              capture_output=True, text=True, timeout=BUILD_TIMEOUT)
        output = crate / "out.folded"
        stacks = output.read_text() if output.exists() else ""
        tap.check(done.returncode == 0 and "inlined_step" in stacks and "churn" in stacks,
                  f"{name}: {' '.join(target)} with inlined functions", done.stderr + stacks[:2000])
        output.unlink(missing_ok=True)
    tap.check((crate / "Cargo.toml").read_bytes() == manifest, "Cargo.toml stays as it is")


def main(fgrecord, recording):
    tap = Tap()
    fgrecord = Tool(fgrecord)
    link = fgrecord.file("cargo-fgrecord")
    link.symlink_to(fgrecord.path)
    fgrecord.path = link
    programs = FakePrograms(fgrecord)
    programs.add("perf", recorder(pathlib.Path(recording).resolve()))
    package = Package(fgrecord, programs)
    check_help(tap, fgrecord)
    check_arguments(tap, package)
    check_targets(tap, package)
    check_choice(tap, package)
    check_real(tap, fgrecord)
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
