#!/usr/bin/env python3
"""Builds and runs a project that has fgread as a meson subproject.   subproject_test.py SOURCE_ROOT"""

import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap  # noqa: E402

BUILD = """project('user', 'cpp', version: '1', default_options: ['cpp_std=c++20'])
fgread_dep = dependency('fgread', fallback: 'fgread')
executable('count', 'count.cpp', dependencies: fgread_dep)
"""


def run(*command):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode == 0, done.stdout[-3000:]


def main(root):
    root = pathlib.Path(root).resolve()
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="fgread-subproject-") as temporary:
        user = pathlib.Path(temporary)
        (user / "subprojects").mkdir()
        (user / "subprojects" / "fgread").symlink_to(root)
        (user / "meson.build").write_text(BUILD)
        source = root / "examples" / "count_processes.cpp"
        (user / "count.cpp").write_text(source.read_text())
        # 'plain': optimising the library once more would only take time.
        passed, output = run("meson", "setup", user / "build", user, "-Dbuildtype=plain",
                             "--force-fallback-for=fgread")
        tap.check(passed, "configures as a subproject", output)
        passed, output = run("ninja", "-C", user / "build", "count")
        tap.check(passed, "builds as a subproject", output)
        passed, output = run(user / "build" / "count", root / "fixtures/rust_sleep/perf.data")
        tap.check(passed and "rust_sleep" in output, "an example runs", output)
    tap.finish()


if __name__ == "__main__":
    main(sys.argv[1])
