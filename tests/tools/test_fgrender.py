#!/usr/bin/env python3
"""fgrender's arguments, inputs, outputs and messages.   test_fgrender.py FGRENDER RECORDING"""

import gzip
import lzma
import os
import pathlib
import re
import subprocess
import sys
import xml.dom.minidom

from fgread_runner import TIMEOUT, Tap, Tool, died

SCRIPT = (b"sw 20986 5.512345:    2004008 cpu-clock: \n\t    55c1a8058199 main+0x2f (/tmp/sw)\n"
          b"\t           2724a __libc_start_call_main+0x7a (/usr/lib/libc.so.6)\n\n") * 3
STACKS = b"main;parse;read 30\nmain;parse 10\nmain;write_[k] 60\n"


def titles(svg):
    document = xml.dom.minidom.parseString(svg)
    frames = [group for group in document.getElementsByTagName("g")
              if group.getAttribute("data-w")]
    return [group.getElementsByTagName("title")[0].firstChild.data for group in frames]


def check_help(tap, fgrender):
    run = fgrender("--version")
    tap.check(run.status == 0 and run.out.startswith(b"fgrender "), "--version", run)
    run = fgrender("--help")
    text = run.out.decode()
    tap.check(run.status == 0 and not run.err, "--help says everything on stdout", run)
    for option in ("--output", "--format", "--reverse", "--flamechart", "--quiet", "--title",
                   "--subtitle", "--width", "--height", "--minwidth", "--max-size", "--fonttype",
                   "--fontsize", "--fontwidth", "--countname", "--nametype", "--factor", "--colors",
                   "--hash", "--cp", "--bgcolors", "--inverted", "--negate", "--changes"):
        tap.check(option in text, f"--help knows {option}", text)
    tap.check(max(map(len, text.splitlines())) <= 100, "--help fits a terminal of 100 columns")


def check_input(tap, fgrender):
    stacks = fgrender.write("stacks", STACKS)
    expected = ["all (100 samples, 100%)", "main (100 samples, 100.00%)",
                "parse (40 samples, 40.00%)", "read (30 samples, 30.00%)",
                "write (60 samples, 60.00%)"]
    run = fgrender(stacks)
    tap.check(run.status == 0 and not run.err and titles(run.out) == expected, "a file", run)
    for name, arguments in (("standard input", []), ("- as standard input", ["-"])):
        done = subprocess.run([fgrender.path, *arguments], input=STACKS, capture_output=True,
                              timeout=TIMEOUT)
        tap.check(done.stdout == run.out, name, done)
    keyboard, screen = os.openpty()
    done = subprocess.run([fgrender.path], stdin=screen, capture_output=True, timeout=TIMEOUT)
    os.close(keyboard)
    os.close(screen)
    tap.check(done.returncode == 2 and b"no input" in done.stderr, "not a terminal's keys", done)
    twice = fgrender(stacks, stacks)
    tap.check(titles(twice.out)[0] == "all (200 samples, 100%)", "several files are added up")
    shuffled = fgrender(fgrender.write("other", b"\n".join(reversed(STACKS.splitlines()))))
    tap.check(shuffled.out == run.out, "the order of lines is all one")
    run = fgrender("/nonexistent/stacks")
    tap.check(run.status == 1 and "No such file" in run.err and not run.out, "no such file", run)
    run = fgrender(fgrender.directory)
    tap.check(run.status == 1 and "directory" in run.err, "a directory", run)


def check_bad_input(tap, fgrender):
    run = fgrender(fgrender.write("some", b"rubbish\nmain 1\nmore rubbish\n"))
    tap.check(run.status == 0 and "2 lines with invalid format ignored" in run.err,
              "invalid lines are counted", run)
    run = fgrender("-q", fgrender.write("some", b"rubbish\nmain 1\n"))
    tap.check(run.status == 0 and not run.err, "and not told with --quiet", run)
    for name, text in (("empty", b""), ("rubbish", b"rubbish\n\xff\xfe\n"), ("zero", b"main 0\n")):
        run = fgrender(fgrender.write(name, text))
        good = run.status == 1 and b"There is no valid input" in run.out and len(run.out) < 5000
        tap.check(good and "no valid input" in run.err, f"{name}: a small picture says so", run)
        xml.dom.minidom.parseString(run.out)
    check_lookalikes(tap, fgrender)
    random = bytes((i * i * 31 + i // 7) % 256 for i in range(100_000)) + b" 5\n"
    run = fgrender("-q", fgrender.write("random", random))
    tap.check(not died(run) and xml.dom.minidom.parseString(run.out), "any bytes", run.status)


def check_lookalikes(tap, fgrender):
    picture = fgrender(fgrender.write("stacks", STACKS)).out
    page = fgrender("-f", "html", fgrender.write("stacks", STACKS)).out
    for name, content, words in (
            ("gzip", gzip.compress(STACKS), ["packed by gzip", "zcat"]),
            ("zstd", b"\x28\xb5\x2f\xfd" + STACKS, ["packed by zstd", "zstdcat"]),
            ("xz", lzma.compress(STACKS), ["packed by xz", "xzcat"]),
            ("an SVG", picture, ["finished picture"]),
            ("an SVG without a first line", b'<svg xmlns="a">\n', ["finished picture"]),
            ("a page", page, ["finished page"])):
        run = fgrender(fgrender.write("input", content))
        tap.check(run.status == 1 and not run.out and all(word in run.err for word in words),
                  f"{name} is no folded text, and what to do is said", run)
        tap.check(len(run.err.splitlines()) == 1 and "/input: is " in run.err,
                  f"{name}: the message names the file", run)
    run = fgrender(fgrender.write("rust", b"<svg::Node as Draw>::draw 5\n"))
    tap.check(run.status == 0 and not run.err, "a Rust name may begin as a picture does", run)
    run = fgrender(fgrender.write("none", b""))
    tap.check("/none: is empty" in run.err, "an empty file is said to be empty", run)
    for name, before in (("perf script", b""), ("with its header", b"# ========\n#\n\n")):
        run = fgrender(fgrender.write("script", before + SCRIPT))
        tap.check(run.status == 1 and "/script: looks like the text of perf script" in run.err
                  and "give the recording" in run.err and "invalid format" not in run.err,
                  f"{name}: what to give instead is said", run)


def check_output(tap, fgrender):
    stacks = fgrender.write("stacks", STACKS)
    for name, begin in (("a.svg", b"<?xml"), ("a.html", b"<!DOCTYPE html>"), ("A.SVG", b"<?xml")):
        run = fgrender("-o", name, stacks)
        tap.check(run.status == 0 and fgrender.file(name).read_bytes().startswith(begin),
                  f"{name} by its ending", run)
    run = fgrender("-f", "html", "-o", "a.svg", stacks)
    tap.check(fgrender.file("a.svg").read_bytes().startswith(b"<!DOCTYPE"), "--format decides", run)
    run = fgrender("-o", "a.png", stacks)
    tap.check(run.status == 2 and "neither svg nor html" in run.err
              and not fgrender.file("a.png").exists(), "an unknown ending is wrong usage", run)
    run = fgrender("-o", "/nonexistent/a.svg", stacks)
    tap.check(run.status == 1 and "/nonexistent/a.svg" in run.err, "an output that cannot be", run)
    with open("/dev/full", "wb") as full:
        run = fgrender(stacks, stdout=full)
    tap.check(run.status == 1 and "No space left" in run.err, "a full disk", run)
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    reader.wait()
    run = fgrender(stacks, stdout=reader.stdin)
    tap.check(run.status == 0 and not run.err, "a reader that has gone", run)


def check_options(tap, fgrender):
    stacks = fgrender.write("stacks", STACKS)

    def has(name, part, *options):
        run = fgrender(*options, stacks)
        tap.check(run.status == 0 and re.search(part, run.out.decode()), name, run)

    has("--title", r">My &lt;graph&gt;</text>", "--title", "My <graph>")
    has("--subtitle", r'id="subtitle"[^>]*>below</text>', "--subtitle", "below")
    has("--width", r'<svg [^>]*width="640"[^>]*data-fluid="0"', "--width", "640")
    has("--height", r'<rect [^>]*height="29" fill="#', "--height", "30")
    has("--fontsize and --fonttype", r"font-family: Courier; font-size: 20px", "--fontsize", "20",
        "--fonttype", "Courier")
    has("--countname", r"read \(30 ticks, ", "--countname", "ticks")
    has("--factor", r"read \(15 samples, 30.00%\)", "--factor", "0.5")
    has("--nametype", r'data-name-type="Method:"', "--nametype", "Method:")
    has("--inverted", r"Icicle Graph", "--inverted")
    has("--bgcolors", r"fill: #123456", "--bgcolors", "#123456")
    has("--flamechart", r"Flame Chart", "--flamechart")
    run = fgrender("--reverse", stacks)
    tap.check(titles(run.out)[1:4] == ["parse (10 samples, 10.00%)", "main (10 samples, 10.00%)",
                                       "read (30 samples, 30.00%)"], "--reverse", titles(run.out))
    run = fgrender("--minwidth", "40%", stacks)
    tap.check(len(titles(run.out)) == 4, "--minwidth", titles(run.out))
    run = fgrender("--max-size", "1", stacks)
    tap.check("4 frames narrower" in run.err or "left out" in run.err, "--max-size says so", run)
    plain = fgrender(stacks).out
    for scheme in ("mem", "io", "java", "js", "rust", "module", "purple"):
        run = fgrender("--colors", scheme, stacks)
        tap.check(run.status == 0 and run.out != plain and titles(run.out) == titles(plain),
                  f"--colors {scheme}", run.err)
    tap.check(fgrender("--hash", stacks).out != plain, "--hash")


def check_palette(tap, fgrender):
    stacks = fgrender.write("stacks", STACKS)
    run = fgrender("--cp", stacks)
    palette = fgrender.file("palette.map")
    lines = palette.read_text().splitlines()
    tap.check(run.status == 0 and [line.split("->")[0] for line in lines]
              == ["main", "parse", "read", "write_[k]"], "--cp writes palette.map", lines)
    palette.write_text("read->rgb(1,2,3)\n")
    run = fgrender("--cp", stacks)
    tap.check(b'fill="#010203"' in run.out, "and keeps what is in it", run)
    run = fgrender("--cp=mine.map", stacks)
    tap.check(fgrender.file("mine.map").exists(), "--cp=FILE", run)


def check_wrong_usage(tap, fgrender):
    stacks = fgrender.write("stacks", STACKS)
    for arguments in (["--colors", "pink"], ["--minwidth", "much"], ["--minwidth", "-1"],
                      ["--minwidth", "101%"], ["--width", "5"], ["--width", "x"], ["--height", "0"],
                      ["--bgcolors", "red;}"], ["--fontsize", "0"], ["--factor", "0"],
                      ["--format", "png"], ["--nonsense"], ["--reverse", "--flamechart"]):
        run = fgrender(*arguments, stacks)
        tap.check(run.status == 2 and not run.out and run.err, " ".join(arguments), run)


def check_difference(tap, fgrender):
    stacks = fgrender.write("two", b"a;more 10 30\na;less 30 10\n")
    run = fgrender(stacks)
    tap.check(titles(run.out)[2:] == ["less (10 samples, 25.00%; -50.00%)",
                                      "more (30 samples, 75.00%; +50.00%)"],
              "two counts a line are a comparison", titles(run.out))
    run = fgrender("--negate", stacks)
    tap.check("more (30 samples, 75.00%; -50.00%)" in titles(run.out), "--negate")
    run = fgrender("--changes", "total", stacks)
    tap.check("a (40 samples, 100.00%; +0.00%)" in titles(run.out), "--changes total")


def check_recording(tap, fgrender, recording):
    symfs = pathlib.Path(recording).parent / "symfs"
    run = fgrender("--symfs", symfs, recording)
    shown = titles(run.out)
    tap.check(run.status == 0 and any("rust_sleep" in title for title in shown) and len(shown) > 10,
              "a recording is folded first", f"{run.err}\n{shown}")
    tap.check("all (40 context-switches, 100%)" in shown, "and says what it counts", shown)
    run = fgrender("--symfs", symfs, "--countname", "naps", recording)
    tap.check("all (40 naps, 100%)" in titles(run.out), "unless the user does", run)
    with open(recording, "rb") as stream:
        done = subprocess.run([fgrender.path], stdin=stream, capture_output=True, timeout=TIMEOUT)
    tap.check(done.returncode == 1 and b"is a recording" in done.stderr
              and b"fgread - | fgrender" in done.stderr,
              "but not from standard input, and that is said", done)


def main(path, recording):
    tap = Tap()
    fgrender = Tool(path)
    check_help(tap, fgrender)
    check_input(tap, fgrender)
    check_bad_input(tap, fgrender)
    check_output(tap, fgrender)
    check_options(tap, fgrender)
    check_palette(tap, fgrender)
    check_wrong_usage(tap, fgrender)
    check_difference(tap, fgrender)
    check_recording(tap, fgrender, recording)
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
