#!/usr/bin/env python3
"""fgread's formats other than folded text.   test_fgread_formats.py FGREAD FGRENDER FIXTURES"""

import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections import Counter, namedtuple

from fgread_runner import Tap, Tool
from recording import CONTEXT_KERNEL, CONTEXT_USER, KERNEL, Event, Recording

PROG = 0x400000
KERNEL_TEXT = 0xffff_ffff_8100_0000
ENDINGS = [".folded", ".txt", ".svg", ".html", ".pb.gz", ".speedscope.json", ".json", ".jsonl",
           ".script", ".firefox.json"]


def small():
    """Two threads, two events, user and kernel frames, names that need escaping."""
    recording = Recording([Event("cycles", 1, kind=0), Event("faults", 2, config=2)])
    recording.mmap(-1, "[kernel.kallsyms]_text", KERNEL_TEXT, 0x1000000, KERNEL_TEXT, misc=KERNEL)
    recording.comm(7, b'a "b"\xff', exec_=True)
    recording.comm(7, "worker", tid=8)
    recording.mmap(7, "/nonexistent/prog", PROG, 0x10000)
    recording.mmap(7, b"/nonexistent/x\x01\\\"</script>\xfe", PROG + 0x100000, 0x10000)
    user = [CONTEXT_USER, PROG + 0x101000, PROG + 0x1000]
    recording.sample(7, user, period=10)
    recording.sample(7, [CONTEXT_KERNEL, KERNEL_TEXT + 16, *user], period=20)
    recording.sample(7, user, tid=8, period=40)
    recording.sample(7, user, tid=8, period=5, event=1)
    return recording


def ordered():
    """One thread on two processors, whose buffers follow one another in the file."""
    recording = Recording([Event("cycles", 1, kind=0)])
    recording.comm(7, "prog", exec_=True)
    recording.mmap(7, "/nonexistent/prog", PROG, 0x10000)
    recording.mmap(7, "/nonexistent/x", PROG + 0x100000, 0x10000)
    for time, place, period in ((2000, 0, 4), (1000, 0x100000, 1), (1500, 0x100000, 2),
                                (3000, 0x100000, 8)):
        recording.sample(7, [CONTEXT_USER, PROG + place + 0x1000], period=period, time=time)
    return recording


class Formats:
    def __init__(self, tap, fgread, fgrender, fixtures):
        self.tap, self.fgread, self.fgrender = tap, fgread, pathlib.Path(fgrender).resolve()
        self.fixture = pathlib.Path(fixtures).resolve() / "cpp_threads"
        self.small = small().write(fgread.file("small.data"))
        self.inputs = {"small": [self.small],
                       "cpp_threads": ["--symfs", self.fixture / "symfs",
                                       self.fixture / "perf.data"]}

    def output(self, source, *arguments):
        """What fgread writes to stdout for one of the inputs."""
        run = self.fgread(*self.inputs[source], *arguments)
        if run.status != 0:
            self.tap.check(False, f"{source} {arguments}: exit status 0", run)
        return run.out

    def weights(self, source, *arguments):
        return self.fgread(*self.inputs[source], *arguments).weights


def check_choice(formats):
    tap, fgread = formats.tap, formats.fgread
    for ending in ENDINGS:
        run = fgread(formats.small, "-o", "x" + ending)
        tap.check(run.status == 0 and fgread.file("x" + ending).stat().st_size > 0,
                  f"{ending} is known", run)
    tap.check(fgread.file("x.folded").read_bytes() == fgread.file("x.txt").read_bytes(),
              ".txt is folded text")
    tap.check(fgread.file("x.svg").read_bytes().startswith(b"<?xml"), ".svg is XML")
    tap.check(b"<html" in fgread.file("x.html").read_bytes()[:200], ".html is a page")
    fgread(formats.small, "-o", "X.SVG")
    tap.check(fgread.file("X.SVG").read_bytes() == fgread.file("x.svg").read_bytes(),
              "capital letters mean the same")
    fgread(formats.small, "-f", "svg", "-o", "y.folded")
    tap.check(fgread.file("y.folded").read_bytes() == fgread.file("x.svg").read_bytes(),
              "--format goes before the ending")
    run = fgread(formats.small, "-o", "plain")
    tap.check(fgread.file("plain").read_bytes() == fgread.file("x.folded").read_bytes(),
              "no ending is folded text", run)
    run = fgread(formats.small, "-o", "x.png")
    tap.check(run.status == 2 and all(ending in run.err for ending in ENDINGS)
              and not fgread.file("x.png").exists(),
              "an unknown ending is wrong usage, and the message lists the known ones", run)
    run = fgread(formats.small, "-f", "png")
    tap.check(run.status == 2 and "svg" in run.err, "so is an unknown format", run)


def check_pictures(formats):
    for source in formats.inputs:
        folded = formats.output(source)
        drawn = subprocess.run([formats.fgrender, "--countname", "cycles"], input=folded,
                               stdout=subprocess.PIPE, check=True).stdout
        direct = formats.output(source, "-f", "svg")
        if source == "small":
            formats.tap.check(direct == drawn, "the SVG is that of fgrender", direct[:300])
        page = formats.output(source, "-f", "html", "--title", "Our Title")
        formats.tap.check(b"Our Title" in page, f"{source}: --title", page[:300])
        jobs = formats.output(source, "-f", "svg", "-j", "1")
        formats.tap.check(jobs == direct, f"{source}: the same with one thread")
    clock = formats.output("cpp_threads", "-f", "svg")
    formats.tap.check(b" ms" in clock or b'"ms"' in clock, "nanoseconds are shown as ms")


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """Number and value of each field of a protobuf message."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            value, at = data[at:at + value], at + value
        else:
            assert tag & 7 == 0, f"wire type {tag & 7}"
        yield tag >> 3, value


def message(data):
    """By field number, the list of its values."""
    result = {}
    for number, value in fields(data):
        result.setdefault(number, []).append(value)
    return result


def packed(data):
    numbers, at = [], 0
    while at < len(data):
        number, at = varint(data, at)
        numbers.append(number)
    return numbers


Sample = namedtuple("Sample", "names values labels locations")


class Pprof:
    """Of profile.proto what fgread writes."""

    def __init__(self, data):
        raw = message(gzip.decompress(data))
        self.strings = [text.decode() for text in raw[6]]
        self.types = [tuple(self.strings[message(t)[n][0]] for n in (1, 2)) for t in raw[1]]
        self.default = self.strings[raw[14][0]]
        self.mappings = {m[1][0]: m for m in map(message, raw.get(3, []))}
        self.main = self.strings[message(raw[3][0])[5][0]]
        functions = {f[1][0]: f for f in map(message, raw.get(5, []))}
        self.functions = {i: self.strings[f[2][0]] for i, f in functions.items()}
        self.locations = {l[1][0]: l for l in map(message, raw.get(4, []))}
        self.samples = [self.sample(message(s)) for s in raw.get(2, [])]

    def sample(self, raw):
        locations = [self.locations[i] for i in packed(raw[1][0])] if 1 in raw else []
        names = [self.functions[message(line)[1][0]]
                 for location in locations for line in location[4]]
        labels = {}
        for label in map(message, raw.get(3, [])):
            text = self.strings[label[2][0]] if 2 in label else label[3][0]
            labels[self.strings[label[1][0]]] = text
        return Sample(names[::-1], packed(raw[2][0]), labels, locations)

    def folded(self, column, root=lambda labels: labels["comm"].replace(" ", "_")):
        stacks = Counter()
        for sample in self.samples:
            stacks[";".join([root(sample.labels), *sample.names])] += sample.values[column]
        return dict(stacks)


def readable(text):
    """The folded stacks as printable UTF-8."""
    return {key.encode(errors="surrogateescape").decode(errors="replace"): value
            for key, value in text.items()}


def check_pprof(formats):
    tap = formats.tap
    for source in formats.inputs:
        data = formats.output(source, "-f", "pprof")
        pprof = Pprof(data)
        tap.check(pprof.strings[0] == "" and len(set(pprof.strings)) == len(pprof.strings),
                  f"{source}: pprof's strings are distinct, the first is empty", pprof.strings)
        folded = readable(formats.weights(source))
        tap.check(pprof.folded(1) == folded, f"{source}: pprof holds the folded stacks and weights",
                  f"{pprof.folded(1)}\n{folded}")
        counted = readable(formats.weights(source, "--weight", "samples"))
        tap.check(pprof.folded(0) == counted, f"{source}: and the samples of each")
        tap.check(pprof.types[0] == ("samples", "count") and pprof.default == pprof.types[1][0],
                  f"{source}: pprof's types", pprof.types)
        tap.check(data == formats.output(source, "-f", "pprof", "-j", "1"),
                  f"{source}: pprof is the same with one thread")
        outside = [
            location for location in pprof.locations.values() if 2 in location
            and not (pprof.mappings[location[2][0]].get(2, [0])[0] <= location.get(3, [0])[0]
                     < pprof.mappings[location[2][0]][3][0])]
        tap.check(not outside, f"{source}: every address is in its mapping", outside)
    by_tid = Pprof(formats.output("small", "-f", "pprof", "--event", "*"))
    tap.check(by_tid.types == [("samples", "count"), ("cycles", "count"), ("faults", "count")],
              "a column for each event", by_tid.types)
    labels = sorted((s.labels["pid"], s.labels["tid"], s.labels["event"], tuple(s.values))
                    for s in by_tid.samples)
    tap.check(labels == [(7, 7, "cycles", (1, 10, 0)), (7, 7, "cycles", (1, 20, 0)),
                         (7, 8, "cycles", (1, 40, 0)), (7, 8, "faults", (1, 0, 5))],
              "labels say pid, tid and event", labels)
    samples = Pprof(formats.output("small", "-f", "pprof", "--weight", "samples"))
    tap.check(samples.default == "samples", "--weight samples chooses what is shown first")


def check_pprof_details(formats):
    tap = formats.tap
    pprof = Pprof(formats.output("cpp_threads", "-f", "pprof", "--source"))
    paths = {pprof.strings[m[5][0]]: m for m in pprof.mappings.values()}
    program = next(m for path, m in paths.items() if path.endswith("/cpp_threads"))
    tap.check(pprof.main.endswith("/cpp_threads"), "the first mapping is the program", pprof.main)
    build_id = pprof.strings[program[6][0]]
    tap.check(re.fullmatch("[0-9a-f]{40}", build_id), "a mapping has its build-id", build_id)
    tap.check(all(program.get(flag) == [1] for flag in (7, 8, 9, 10)),
              "and says that it has functions, files, lines and inlined functions", program)
    inlined = [l for l in pprof.locations.values() if len(l[4]) > 1]
    tap.check(inlined, "a location has a line for each inlined function")
    lines = [message(line).get(2, [0])[0] for l in inlined for line in l[4]]
    tap.check(all(lines), "with --source, each with its line", lines)
    plain = Pprof(formats.output("cpp_threads", "-f", "pprof", "--no-inline"))
    program = next(m for m in plain.mappings.values()
                   if plain.strings[m[5][0]].endswith("/cpp_threads"))
    tap.check(program.get(7) == [1] and not any(flag in program for flag in (8, 9, 10)),
              "without, and without inlined functions, it says so", program)


def check_go_pprof(formats):
    """What Go's own tool makes of it; it is compiled when first run."""
    name = "`go tool pprof` shows our total"
    go = shutil.which("go", path=os.environ.get("PATH", "") + ":/usr/local/go/bin")
    if go is None:
        formats.tap.skip(name, "go is not installed")
        return
    path = formats.fgread.write("go.pb.gz", formats.output("cpp_threads", "-f", "pprof"))
    command = [go, "tool", "pprof", "-raw", path]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=200, env={**os.environ, "GOFLAGS": "-mod=vendor",
                                                "GOTOOLCHAIN": "local"})
    except subprocess.TimeoutExpired:
        formats.tap.skip(name, "go did not build its pprof within 200 s")
        return
    if "no such tool" in done.stderr:
        formats.tap.skip(name, "this go has no pprof")
        return
    shown = sum(int(m[1]) for m in re.finditer(r"^ +\d+ +(\d+):", done.stdout, re.M))
    wanted = sum(formats.weights("cpp_threads").values())
    formats.tap.check(done.returncode == 0 and shown == wanted, name,
                      f"{shown}, not {wanted}\n{done.stdout[:2000]}\n{done.stderr}")


def stacks_of(records, weight, frames=lambda record: record["frames"]):
    stacks = Counter()
    for record in records:
        names = [frame["name"] for frame in frames(record)]
        stacks[";".join([record["comm"].replace(" ", "_"), *names])] += record[weight]
    return dict(stacks)


def check_json(formats):
    tap = formats.tap
    for source in formats.inputs:
        folded = readable(formats.weights(source))
        counted = readable(formats.weights(source, "--weight", "samples"))
        text = formats.output(source, "-f", "jsonl")
        records = [json.loads(line) for line in text.splitlines()]
        tap.check(stacks_of(records, "period") == folded, f"{source}: jsonl holds the periods",
                  f"{stacks_of(records, 'period')}\n{folded}")
        tap.check(stacks_of(records, "samples") == counted, f"{source}: and the samples")
        distinct = {json.dumps([r["comm"], r["frames"]]) for r in records}
        tap.check(len(distinct) == len(records), f"{source}: each stack has one line")
        document = json.loads(formats.output(source, "-f", "json"))
        table = document["frames"]
        stacks = stacks_of(document["stacks"], "period",
                           lambda record: [table[i] for i in record["frames"]])
        tap.check(stacks == folded and document["version"] == 1, f"{source}: so does json", stacks)
        tap.check(len({json.dumps(frame) for frame in table}) == len(table),
                  f"{source}: json has each frame once", table)
        event = document["events"][0]
        tap.check(event["period"] == sum(folded.values()), f"{source}: json's totals", event)
        tap.check(text == formats.output(source, "-f", "jsonl", "-j", "1"),
                  f"{source}: jsonl is the same with one thread")
    records = [json.loads(line) for line in
               formats.output("small", "-f", "jsonl", "--group-by", "tid").splitlines()]
    tap.check([(r["pid"], r["tid"], r["event"]) for r in records] ==
              [(7, 7, "cycles"), (7, 7, "cycles"), (7, 8, "cycles")], "pid, tid and event", records)
    tap.check(records[1]["frames"][-1]["kernel"] is True and "kernel" not in records[1]["frames"][0],
              "kernel frames are marked", records[1])
    modules = {frame.get("module") for record in records for frame in record["frames"]}
    tap.check("/nonexistent/prog" in modules and '/nonexistent/x\\x01\\"</script>\ufffd' in modules,
              "modules have their paths, whatever bytes are in them", modules)


def check_json_lines_of_source(formats):
    records = [json.loads(line) for line in
               formats.output("cpp_threads", "-f", "jsonl", "--source").splitlines()]
    frames = [frame for record in records for frame in record["frames"]]
    found = [f for f in frames if f.get("file", "").endswith("cpp_threads.cpp") and f["line"] > 0]
    formats.tap.check(found and not any("(" in f["name"] for f in found if "main" in f["name"]),
                      "--source gives file and line beside the name", frames[:4])
    formats.tap.check(any(frame.get("inlined") for frame in frames), "inlined functions are marked")


def check_speedscope(formats):
    tap = formats.tap
    for source in formats.inputs:
        document = json.loads(formats.output(source, "-f", "speedscope"))
        table = document["shared"]["frames"]
        stacks = Counter()
        for profile in document["profiles"]:
            tap.check(profile["type"] == "sampled" and profile["startValue"] == 0
                      and profile["endValue"] == sum(profile["weights"])
                      and len(profile["weights"]) == len(profile["samples"]),
                      f"{source}: profile {profile['name']} is whole", profile)
            root = profile["name"].rpartition(" ")[0].replace(" ", "_")
            for sample, weight in zip(profile["samples"], profile["weights"]):
                stacks[";".join([root, *(table[i]["name"] for i in sample)])] += weight
            tap.check(all(a != b for a, b in zip(profile["samples"], profile["samples"][1:])),
                      f"{source}: equal neighbours of {profile['name']} are one")
        folded = readable(formats.weights(source))
        tap.check(dict(stacks) == folded, f"{source}: speedscope holds the folded stacks",
                  f"{stacks}\n{folded}")
        totals = [profile["endValue"] for profile in document["profiles"]]
        tap.check(totals[document["activeProfileIndex"]] == max(totals),
                  f"{source}: the busiest thread is shown first", totals)
    tap.check(document["profiles"][0]["unit"] == "nanoseconds", "clocks are nanoseconds")
    profiles = json.loads(formats.output("small", "-f", "speedscope", "--event", "*"))["profiles"]
    names = [profile["name"].rpartition('"')[2][-10:] for profile in profiles]
    tap.check([profile["name"].split(" ", 1)[-1][-10:] for profile in profiles] ==
              ["7/7 cycles", "7/8 cycles", "7/8 faults"], "a profile for each thread and event", names)
    path = ordered().write(formats.fgread.file("ordered.data"))
    document = json.loads(formats.fgread(path, "-f", "speedscope").out)
    profile = document["profiles"][0]
    names = [document["shared"]["frames"][sample[-1]]["name"] for sample in profile["samples"]]
    tap.check(names == ["[x]", "[prog]", "[x]"] and profile["weights"] == [3, 4, 8],
              "samples are in the order of time", document)


def check_script(formats):
    """Of what perf prints for it, byte for byte: the fixtures."""
    tap = formats.tap
    text = formats.output("small", "-f", "script").decode(errors="surrogateescape")
    samples = text.split("\n\n")[:-1]
    heads = [sample.split("\n")[0] for sample in samples]
    tap.check(len(samples) == 4 and [head.split(":")[-2].split()[-2:] for head in heads] ==
              [["10", "cycles"], ["20", "cycles"], ["40", "cycles"], ["5", "faults"]],
              "all events are in the script, each sample by itself", heads)
    frames = [sample.split("\n")[1:] for sample in samples]
    tap.check(frames[0][0] == f"\t{0x1000:16x} [unknown] (/nonexistent/x\\x01\\\"</script>\udcfe)"
              and frames[0][1] == f"\t{0xfff + 1:16x} [unknown] (/nonexistent/prog)",
              "frames have the offset in the file, and control bytes of paths are escaped", frames)
    one = formats.output("small", "-f", "script", "--event", "faults").decode(errors="replace")
    tap.check(one.count("\n\n") == 1, "--event chooses", one)
    ids = formats.output("small", "-f", "script", "--group-by", "tid").decode(errors="replace")
    tap.check("    7/8 " in ids, "pid and tid if stacks are grouped by them", ids)
    tap.check(formats.output("cpp_threads", "-f", "script", "-j", "1") ==
              formats.output("cpp_threads", "-f", "script"), "script: the same with one thread")
    inlined = formats.output("cpp_threads", "-f", "script").decode()
    tap.check(re.search(r"^\t +[0-9a-f]+ \S.*\+0x[0-9a-f]+ \(inlined\)$", inlined, re.M),
              "inlined functions are marked", inlined[:2000])


def check_tracepoints(formats):
    """As perf 6.1: no period, and no address where there is no chain."""
    events = [Event("sched:sched_switch", 1, kind=2, config=314),
              Event("sched:sched_waking", 2, kind=2, config=315, chain=False),
              Event("cpu-clock", 3)]
    recording = Recording(events)
    recording.comm(7, "prog", exec_=True)
    recording.mmap(7, "/nonexistent/prog", PROG, 0x10000)
    for event in range(3):
        recording.sample(7, [CONTEXT_USER, PROG + 0x1000], period=3, event=event)
    run = formats.fgread("-f", "script", recording.write(formats.fgread.file("tracepoints.data")))
    frame = f"\t{0x1000:16x} [unknown] (/nonexistent/prog)"
    wanted = ["prog     7     0.000002: sched:sched_switch: ", frame, "",
              "            prog     7     0.000003: sched:sched_waking: ",
              "prog     7     0.000004:          3          cpu-clock: ", frame, ""]
    formats.tap.check(run.status == 0 and run.lines == wanted,
                      "script: tracepoints have no period, and an address only in a chain", run)
    samples = formats.fgread("-f", "script", "--event", "sched:*", "--weight", "samples",
                             formats.fgread.file("tracepoints.data"))
    formats.tap.check(samples.lines == run.lines[:4], "script: --weight samples changes nothing there",
                      samples)


def firefox_stacks(document):
    """The folded stacks and how much they weigh, in the unit of the format."""
    shared = document["shared"]
    texts, table = shared["stringArray"], shared["stackTable"]
    functions = [texts[i] for i in shared["funcTable"]["name"]]
    stacks = Counter()
    for thread in document["threads"]:
        samples = thread["samples"]
        for stack, weight in zip(samples["stack"], samples["weight"] or [1] * samples["length"]):
            frames = []
            while stack is not None:
                frames.append(functions[shared["frameTable"]["func"][table["frame"][stack]]])
                stack = table["prefix"][stack]
            stacks[";".join([thread["name"].replace(" ", "_"), *frames[::-1]])] += weight
    return stacks


def check_firefox(formats):
    tap = formats.tap
    for source in formats.inputs:
        document = json.loads(formats.output(source, "-f", "firefox"))
        shared = document["shared"]
        tables = [table for table in (*shared.values(), *(t["samples"] for t in document["threads"]))
                  if isinstance(table, dict)]
        lengths = {len(column) == table["length"] for table in tables
                   for column in table.values() if isinstance(column, list)}
        tap.check(lengths == {True}, f"{source}: all columns are as long as their tables")
        tap.check(all(prefix is None or prefix < i
                      for i, prefix in enumerate(shared["stackTable"]["prefix"])),
                  f"{source}: stacks follow the one they stand on")
        tap.check(document["meta"]["preprocessedProfileVersion"] == 60
                  and any(c["color"] == "grey" for c in document["meta"]["categories"]),
                  f"{source}: the format's version, and the category it wants", document["meta"])
        tap.check(len(document["libs"]) == shared["resourceTable"]["length"],
                  f"{source}: a resource for each binary", document["libs"])
    times = {stack: round(weight * 1e6) for stack, weight in firefox_stacks(document).items()}
    tap.check(times == readable(formats.weights("cpp_threads")),
              "firefox holds the folded stacks; clocks are milliseconds", times)
    unit = document["meta"]["sampleUnits"]["threadCPUDelta"]
    delta = sum(sum(thread["samples"]["threadCPUDelta"]) for thread in document["threads"])
    tap.check(unit == "ns" and delta == sum(times.values()), "and use of the processor", delta)
    small_document = json.loads(formats.output("small", "-f", "firefox", "--event", "*"))
    tap.check([(t["tid"], t["pid"], t["isMainThread"], t["samples"]["length"])
               for t in small_document["threads"]] ==
              [(7, "7", True, 2), (8, "7", False, 1), (8, "7", False, 1)],
              "a track for each thread and event", small_document["threads"])
    tap.check(small_document["threads"][0]["samples"]["weight"] is None,
              "other events count samples", small_document["threads"])
    tap.check(set(small_document["shared"]["frameTable"]["category"]) == {1, 2},
              "the kernel has a category of its own")
    path = ordered().write(formats.fgread.file("ordered.data"))
    samples = json.loads(formats.fgread(path, "-f", "firefox").out)["threads"][0]["samples"]
    tap.check(samples["timeDeltas"] == [0, 0.0005, 0.0005, 0.001],
              "times are milliseconds since the sample before", samples)


def check_nothing(formats):
    """A recording without samples is valid in every format."""
    empty = Recording().comm(7, "prog", exec_=True).write(formats.fgread.file("empty.data"))
    for ending in ENDINGS:
        run = formats.fgread(empty, "-o", "empty" + ending)
        formats.tap.check(run.status == 0, f"no samples: {ending}", run)
    formats.tap.check(json.loads(formats.fgread.file("empty.json").read_text())["stacks"] == [],
                      "json without stacks")
    profiles = json.loads(formats.fgread.file("empty.speedscope.json").read_text())["profiles"]
    formats.tap.check(profiles == [], "speedscope without profiles")


def check_shapes(formats):
    tap = formats.tap
    folded = formats.weights("cpp_threads")

    def shaped(*arguments):
        return formats.weights("cpp_threads", *arguments)

    def model(change, keep=lambda frames: True):
        stacks = Counter()
        for stack, weight in folded.items():
            frames = stack.split(";")
            if keep(frames):
                stacks[";".join(change(frames))] += weight
        return dict(stacks)

    same = list
    cases = {
        "--reverse": (("--reverse",), model(lambda frames: frames[::-1])),
        "--max-depth": (("--max-depth", "4"), model(lambda frames: frames[:4])),
        "--base": (("--base", "work::thread_main"), model(
            lambda frames: frames[frames.index("work::thread_main"):]
            if "work::thread_main" in frames else frames)),
        "--include": (("--include", "plugin|timer"),
                      model(same, lambda frames: re.search("plugin|timer", "\n".join(frames)))),
        "--exclude": (("--exclude", "plugin", "--exclude", "^on_timer$"),
                      model(same, lambda frames: not any("plugin" in frame or frame == "on_timer"
                                                         for frame in frames))),
    }
    for option, (arguments, expected) in cases.items():
        got = shaped(*arguments)
        tap.check(got == expected and got != folded, f"{option} of a recording",
                  f"{got}\n{expected}")
    records = [json.loads(line) for line in formats.output(
        "cpp_threads", "-f", "jsonl", "--include", "on_timer").splitlines()]
    tap.check(stacks_of(records, "period") == shaped("--include", "on_timer"),
              "--include is for every format", records)
    run = formats.fgread(formats.small, "--include", "(")
    tap.check(run.status == 2 and "'('" in run.err and not run.out,
              "an invalid expression is wrong usage", run)
    run = formats.fgread(formats.small, "-f", "pprof", "--reverse")
    tap.check(run.status == 2 and "--reverse" in run.err and not run.out,
              "--reverse is refused where it is not for the format", run)


def check_compat(formats):
    tap = formats.tap
    plain = formats.weights("cpp_threads", "--no-inline")
    expected = Counter()
    for stack, weight in plain.items():
        root, *frames = stack.split(";")
        tidied = [re.sub(r"\((?!anonymous namespace\)).*|\.cold$", "", frame) for frame in frames
                  if not frame.startswith("(")]
        expected[";".join([root, *tidied])] += weight
    got = formats.weights("cpp_threads", "--compat", "flamegraph")
    tap.check(got == dict(expected), "--compat flamegraph: no inlined functions, names are cut",
              f"{got}\n{expected}")
    quoted = formats.weights("small", "--compat", "flamegraph")
    names = [name for stack in quoted for name in stack.split(";")[1:]]
    tap.check(names and not any("\"" in name for name in names) and
              sum(quoted.values()) == sum(formats.weights("small").values()),
              "and quotes vanish, weights do not", quoted)
    run = formats.fgread(formats.small, "--compat", "flamegraph", "-f", "json")
    tap.check(run.status == 2 and "--compat" in run.err, "--compat is not for json", run)


def check_terminal(formats):
    master, slave = os.openpty()
    run = formats.fgread(formats.small, "-f", "pprof", stdout=slave)
    formats.tap.check(run.status == 2 and "--output" in run.err,
                      "pprof is not written to a terminal", run)
    os.close(slave)
    os.close(master)


def main(fgread, fgrender, fixtures):
    tap = Tap()
    formats = Formats(tap, Tool(fgread), fgrender, fixtures)
    for check in (check_choice, check_pictures, check_pprof, check_pprof_details, check_go_pprof,
                  check_json, check_json_lines_of_source, check_speedscope, check_script, check_tracepoints,
                  check_firefox, check_nothing,
                  check_shapes, check_compat, check_terminal):
        check(formats)
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
