"""Puts programs on PATH that write down how they were called and do what a test says."""

import json
import os
import sys

SCRIPT = """#!{python}
import json, os, signal, subprocess, sys, time
with open({log!r}, "a") as log:
    log.write(json.dumps({{"arguments": sys.argv[1:], "environment": {{name: value for name,
                          value in os.environ.items() if name.startswith("CARGO")}}, "directory": os.getcwd()}}) + "\\n")
arguments = sys.argv[1:]
{body}
"""


class FakePrograms:
    def __init__(self, tool):
        self.tool = tool
        self.directory = tool.file("bin")
        self.directory.mkdir(exist_ok=True)
        self.log = tool.file("calls")

    def add(self, name, body):
        path = self.directory / name
        path.write_text(SCRIPT.format(python=sys.executable, log=str(self.log), body=body))
        path.chmod(0o755)

    def environment(self, **more):
        return {**os.environ, "PATH": f"{self.directory}:{os.environ['PATH']}", **more}

    def run(self, *arguments, **options):
        """The run, and how the programs were called in it."""
        self.log.write_text("")
        environment = self.environment(**options.pop("env", {}))
        run = self.tool(*arguments, env=environment, **options)
        return run, [json.loads(line) for line in self.log.read_text().splitlines()]


# Copies a recording to where perf would write, after running the command.
def recorder(recording):
    return f"""
import shutil
if "--" in arguments:
    status = subprocess.run(arguments[arguments.index("--") + 1:]).returncode
else:
    status = 0
shutil.copy({str(recording)!r}, arguments[arguments.index("-o") + 1])
sys.exit(status)
"""
