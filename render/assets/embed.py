#!/usr/bin/env python3
"""Files as C++ constants of namespace fgread::assets.

    embed.py OUTPUT NAME FILE... [-- NAME FILE...]...

What several FILEs hold is joined. Our own sources lose indentation and comment lines, which no
reader of a picture needs; what is vendored stays as it is, with its licence before it.
"""

import pathlib
import sys

def text_of(path):
    text = path.read_text(encoding="utf-8")
    if "vendor" not in path.parts:
        lines = (line.strip() for line in text.splitlines())
        text = "".join(line + "\n" for line in lines if line and not line.startswith("//"))
    # In an SVG they stand in a CDATA section, in a page in <script> or <style>.
    for ending in ("]]>", "</script", "</style", "<!--"):
        if ending in text.lower():
            sys.exit(f"embed.py: {path} holds {ending}")
    return text


def definition(name, files):
    data = "".join(text_of(pathlib.Path(file)) for file in files).encode()
    # Not a string literal: those of more than 64 KiB are no portable C++.
    rows = [",".join(f"'\\{byte:03o}'" for byte in data[at:at + 16])
            for at in range(0, len(data), 16)]
    body = ",\n".join(rows)
    return (f"static const char {name}_bytes[] = {{\n{body}}};\n"
            f"const std::string_view {name}({name}_bytes, sizeof {name}_bytes);\n")


def main(output, arguments):
    groups, current = [], []
    for argument in arguments + ["--"]:
        if argument == "--":
            groups.append(current)
            current = []
        else:
            current.append(argument)
    parts = ['#include "render/assets.h"\n', "namespace fgread::assets {\n"]
    parts += [definition(name, files) for name, *files in groups]
    pathlib.Path(output).write_text("\n".join(parts) + "}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
