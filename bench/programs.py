"""The programs whose work the benchmark records."""

import concurrent.futures
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
MODULES = 500
CXX = ["g++", "-std=c++20", "-O2", "-g", "-fomit-frame-pointer"]


def build_programs(directory, loads):
    """Builds what these kinds of load need and is not there; the Rust one only where rustc is."""
    directory.mkdir(parents=True, exist_ok=True)
    workload = directory / "workload"
    if loads & {"cpp", "mix", "fleet"} and not workload.exists():
        subprocess.run([*CXX, "-pthread", "-o", workload, HERE / "workload.cpp"], check=True)
    rust = directory / "workload_rs"
    if loads & {"rust", "mix"} and not rust.exists() and shutil.which("rustc"):
        subprocess.run(["rustc", "-O", "-C", "debuginfo=1", "-o", rust, HERE / "workload.rs"],
                       check=True)
    if loads & {"modules", "fleet"}:
        build_modules(directory / "modules")


def build_modules(directory):
    """500 shared objects, and a program that calls through them."""
    directory.mkdir(exist_ok=True)

    def build(number):
        path = directory / f"module{number:03}.so"
        if not path.exists():
            subprocess.run([*CXX, "-shared", "-fPIC", f"-DNUMBER={number}", "-o", path,
                            HERE / "module.cpp"], check=True)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(build, range(MODULES)))
    caller = directory / "caller"
    if not caller.exists():
        subprocess.run([*CXX, "-o", caller, HERE / "module_caller.cpp"], check=True)
