#!/usr/bin/env python3
"""Makes what repeats a tool's --help from it: the options of its man page, and completions.

    from_help.py man  NAME PROGRAM TEMPLATE     the template with @OPTIONS@, @VERSION@ and, if it has it,
                                                @NOTES@ (what stands before the examples) filled in
    from_help.py bash|zsh|fish NAME PROGRAM     a completion script

PROGRAM is run under the name NAME. The result goes to standard output."""

import re
import subprocess
import sys
from dataclasses import dataclass, field

OPTION = re.compile(r"  (?P<names>--?[\w-]+(?:\{\w+\})?(?:,--?[\w-]+(?:\{\w+\})?)*)(?P<rest>.*)")
CHOICE = re.compile(r"[a-z]+")
PATHS = ("FILE", "DIR", "MODULE")  # what arguments are called that are completed as files
WITH_COMMAND = {"fgrecord"}  # whose argument is a command


@dataclass
class Option:
    names: list
    argument: str = ""      # FILE
    choices: list = field(default_factory=list)
    text: str = ""

    @property
    def short(self):
        return [name for name in self.names if not name.startswith("--")]

    def choose_from_text(self):
        """Choices as the text lists them: "WHAT: one, two or three [one]", "one: this; two: that"."""
        text = self.text.split(" [")[0]
        listed = re.split(r", | or ", text.rpartition(": ")[2])
        explained = [part.partition(": ")[0] for part in text.split("; ")]
        for words in (listed, explained):
            if all(CHOICE.fullmatch(word) for word in words) and text not in words:
                self.choices = words


def split_line(line, column):
    """A line of --help as its left part and its text, which is on the next line if there is no room."""
    if line[column - 1:column] not in ("", " "):
        return line, ""
    return line[:column], line[column:].strip()


def option_of(left, text):
    """From "  -o,--output FILE", or "  --names STYLE:{plain,full}"."""
    found = OPTION.match(left)
    argument, _, check = found["rest"].strip().partition(":")
    choices = re.fullmatch(r"\{(.*)\}", check)
    names = re.sub(r"\{\w+\}", "", found["names"]).split(",")
    return Option(names, argument, choices[1].split(",") if choices else [], text)


def parse(help_text):
    """[(group, [Option])] in the order of the help."""
    column = re.search(r"^  -h,--help +", help_text, re.M)
    column = column.end() - column.start()
    groups = []
    option = None
    for line in help_text.splitlines():
        if OPTION.match(line) and groups:
            option = option_of(*split_line(line, column))
            groups[-1][1].append(option)
        elif option and line.startswith(" " * column):
            option.text = f"{option.text} {line.strip()}".strip()
        else:
            option = None
            if re.fullmatch(r"\w+:", line):
                groups.append((line[:-1], []))
    for option in (option for _, options in groups for option in options):
        if option.argument and not option.choices:
            option.choose_from_text()
    return [group for group in groups if group[1]]


# man


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return "\\&" + text if text.startswith(".") else text


def man_options(groups):
    lines = []
    for group, options in groups:
        if group != "Options":
            lines.append(f".SS {group}")
        for option in options:
            names = ", ".join(f"\\fB{roff(name)}\\fR" for name in option.names)
            argument = f" \\fI{roff(option.argument)}\\fR" if option.argument else ""
            lines += [".TP", names + argument, roff(option.text)]
    return "\n".join(lines)


def man_notes(help_text):
    """What stands between the options and the examples, line by line as it is there."""
    lines = help_text[:help_text.index("\nExamples:")].splitlines()
    last = max(number for number, line in enumerate(lines) if OPTION.match(line))
    begin = lines.index("", last)
    return ".nf\n" + roff("\n".join(lines[begin:]).strip("\n")) + "\n.fi"


def man(name, program, template):
    with open(template) as file:
        text = file.read()
    version = run(name, program, "--version").split()[-1]
    help_text = run(name, program, "--help")
    text = text.replace("@OPTIONS@", man_options(parse(help_text))).replace("@VERSION@", version)
    return text.replace("@NOTES@", man_notes(help_text)) if "@NOTES@" in text else text


# completions


def all_options(name, program):
    return [option for _, options in parse(run(name, program, "--help")) for option in options]


def bash(name, program):
    options = all_options(name, program)
    words = " ".join(word for option in options for word in option.names)
    function = "_" + name.replace("-", "_")
    cases = "".join(f"        {'|'.join(option.names)})\n"
                    f"            COMPREPLY=($(compgen -W '{' '.join(option.choices)}' -- \"$word\"))\n"
                    "            return ;;\n" for option in options if option.choices)
    chosen = f"    case ${{COMP_WORDS[COMP_CWORD-1]}} in\n{cases}    esac\n" if cases else ""
    command = ("    [[ $word == */* ]] || COMPREPLY=($(compgen -c -- \"$word\"))\n"
               if name in WITH_COMMAND else "")
    return (f"# Completion of {name} for bash.\n"
            f"{function}() {{\n"
            "    local word=${COMP_WORDS[COMP_CWORD]}\n"
            "    COMPREPLY=()\n"
            f"{chosen}"
            "    if [[ $word == -* ]]; then\n"
            f"        COMPREPLY=($(compgen -W '{words}' -- \"$word\"))\n"
            "        return\n"
            "    fi\n"
            f"{command}"
            "}\n"
            # Where it finds nothing, bash completes file names.
            f"complete -o default -F {function} {name}\n")


def zsh_quoted(text):
    for letter in "\\[]:":
        text = text.replace(letter, "\\" + letter)
    return text.replace("'", "'\\''")


def zsh(name, program):
    lines = []
    for option in all_options(name, program):
        action = f":{zsh_quoted(option.argument)}:" if option.argument else ""
        if option.choices:
            action += f"({' '.join(option.choices)})"
        elif option.argument:
            action += "_files" if option.argument.startswith(PATHS) else " "
        description = f"[{zsh_quoted(option.text)}]{action}"
        names = " ".join(option.names)
        for word in option.names:
            excluded = f"({names})" if len(option.names) > 1 else ""
            lines.append(f"    '{excluded}{word}{description}' \\\n")
    last = ("    '(-)1:command:_command_names -e' \\\n    '*::arguments:_normal'\n"
            if name in WITH_COMMAND else "    '*:file:_files'\n")
    return f"#compdef {name}\n_arguments -s -S \\\n{''.join(lines)}{last}"


def fish(name, program):
    lines = [f"# Completion of {name} for fish.\n"]
    for option in all_options(name, program):
        words = "".join(f" -s {word[1:]}" if word in option.short else f" -l {word[2:]}"
                        for word in option.names)
        text = option.text.replace("\\", "\\\\").replace("'", "\\'")
        argument = " -r" if option.argument else ""
        if option.choices:
            argument = f" -x -a '{' '.join(option.choices)}'"
        lines.append(f"complete -c {name}{words}{argument} -d '{text}'\n")
    return "".join(lines)


def run(name, program, option):
    done = subprocess.run([name, option], executable=program, stdout=subprocess.PIPE, text=True,
                          check=True)
    return done.stdout


if __name__ == "__main__":
    writer = {"man": man, "bash": bash, "zsh": zsh, "fish": fish}[sys.argv[1]]
    sys.stdout.write(writer(*sys.argv[2:]))
