#!/usr/bin/env python3
"""Man pages and completions know every option of --help, and work.
   test_documents.py DIRECTORY_OF_TOOLS DIRECTORY_OF_DOCUMENTS"""

import pathlib
import re
import shutil
import subprocess
import sys

from fgread_runner import TIMEOUT, Tap

TOOLS = ("fgread", "fgdump", "fgrender", "fgdiff", "fgrecord", "cargo-fgrecord")


def output(*command, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT, **options)
    return done.returncode, done.stdout


def options_of(tools, tool):
    program = tools / ("fgrecord" if tool == "cargo-fgrecord" else tool)
    _, text = output(tool, "--help", executable=program)
    options = []
    for line in text.splitlines():
        found = re.match(r"  (--?\w[^ ]*)( |$)", line)
        if found:
            options += re.findall(r"(?<![\w-])--?\w[\w-]*", re.sub(r"\{.*?\}", "", found[1]))
    return options


def check_man(tap, tool, options, page):
    text = page.read_text()
    plain = text.replace("\\-", "-")
    missing = [option for option in options if f"\\fB{option}\\fR" not in plain]
    tap.check(options and not missing, f"{tool}(1) knows the {len(options)} names of options", missing)
    sections = re.findall(r"^\.SH (.*)$", text, re.M)
    wanted = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS"]
    tap.check(sections[:5] == wanted and "@" not in text, f"{tool}(1) is complete", sections)
    if not shutil.which("groff"):
        return tap.skip(f"{tool}(1) is good roff", "there is no groff")
    _, messages = output("groff", "-man", "-Tascii", "-ww", "-z", page)
    tap.check(not messages, f"{tool}(1) is good roff", messages)


def check_bash(tap, tool, options, script):
    """What bash offers after "TOOL -"."""
    _, text = output("bash", "-c", f"source '{script}'; COMP_WORDS=({tool} -); COMP_CWORD=1; "
                     f"_{tool.replace('-', '_')}; printf '%s\\n' \"${{COMPREPLY[@]}}\"; complete -p {tool}")
    lines = text.splitlines()
    tap.check(sorted(lines[:-1]) == sorted(options) and lines[-1].endswith(f" {tool}"),
              f"bash completes {tool} -", text)


def check_zsh(tap, tool, options, script):
    text = script.read_text()
    missing = [option for option in options if not re.search(rf"['){{,]{option}[\[=,}}]", text)]
    tap.check(text.startswith(f"#compdef {tool}\n") and not missing, f"zsh knows {tool}'s options",
              missing)
    if not shutil.which("zsh"):
        return tap.skip(f"zsh reads {tool}'s completion", "there is no zsh")
    status, messages = output("zsh", "-n", script)
    tap.check(status == 0, f"zsh reads {tool}'s completion", messages)


def check_fish(tap, tool, options, script):
    text = script.read_text()
    missing = [option for option in options
               if f" -l {option[2:]} " not in text and f" -s {option[1:]} " not in text]
    tap.check(f"complete -c {tool} " in text and not missing, f"fish knows {tool}'s options", missing)
    if not shutil.which("fish"):
        return tap.skip(f"fish reads {tool}'s completion", "there is no fish")
    status, messages = output("fish", "-n", script)
    tap.check(status == 0, f"fish reads {tool}'s completion", messages)


def check_choices(tap, completions):
    """The words that an option takes, whether --help has them beside its name or in its text."""
    for tool, option, choices in (
            ("fgdump", "--names", "plain full short raw"),
            ("fgread", "--names", "plain full short raw"),
            ("fgread", "--format", "folded svg html pprof speedscope firefox json jsonl script"),
            ("fgread", "--call-graph", "auto dwarf lbr fp none"),
            ("fgread", "--compat", "flamegraph"),
            ("fgrender", "--format", "svg html"),
            ("fgrender", "--changes", "self total"),
            ("fgdiff", "--format", "folded svg html table"),
            ("fgread", "--title", "")):
        _, text = output("bash", "-c", f"source '{completions}/bash/{tool}'; COMP_CWORD=2; "
                         f"COMP_WORDS=({tool} {option} ''); _{tool}; echo \"${{COMPREPLY[@]}}\"")
        zsh = [line for line in (completions / "zsh" / f"_{tool}").read_text().splitlines()
               if f"{option}[" in line]
        fish = [line for line in (completions / "fish" / f"{tool}.fish").read_text().splitlines()
                if f" -l {option[2:]} " in line]
        good = (text == f"{choices}\n" and (f":({choices})'" in zsh[0]) == bool(choices)
                and (f" -x -a '{choices}'" in fish[0]) == bool(choices))
        tap.check(good, f"completions have the choices of {tool} {option}", (text, zsh, fish))


def main(tools, documents):
    tools, documents = pathlib.Path(tools), pathlib.Path(documents)
    completions = documents / "completions"
    tap = Tap()
    for tool in TOOLS:
        options = options_of(tools, tool)
        check_man(tap, tool, options, documents / f"{tool}.1")
        check_bash(tap, tool, options, completions / "bash" / tool)
        check_zsh(tap, tool, options, completions / "zsh" / f"_{tool}")
        check_fish(tap, tool, options, completions / "fish" / f"{tool}.fish")
    for tool, words in (("fgdump", "Columns of --stacks"), ("fgdiff", "Formats:")):
        page = (documents / f"{tool}.1").read_text().replace("\\-", "-")
        tap.check(f"\n{words}" in page, f"{tool}(1) has what --help says beside the options")
    check_choices(tap, completions)
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
