#!/usr/bin/env python3
"""Uses what fgrender and fgdiff draw in a headless Chromium: points, clicks, searches, types.

    test_browser.py FGRENDER FGDIFF [DIRECTORY for screenshots]
"""

import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import browser as chromium  # noqa: E402
from tap import Tap  # noqa: E402

STACKS = """\
app;main;parse;read_token 30
app;main;parse;skip_blank 10
app;main;parse;<T as Read>::read & "more" 10
app;main;write;flush 40
app;idle 10
"""
AFTER = STACKS.replace("flush 40", "flush 80").replace("read_token 30", "read_token 5")
HOSTILE = "app;</script><script>window.hurt=1</script>;<img src=x onerror='hurt=1'>;\x1b]0;]]> 7\n"

SVG_FRAMES = """[...document.querySelectorAll('#frames > g')].filter(
    g => g.getAttribute('display') !== 'none')"""
SVG_FRAME = SVG_FRAMES + ".find(g => g.getAttribute('aria-label').startsWith('%s'))"
HTML_FRAMES = "[...document.querySelectorAll('#chart g')].filter(g => g.__data__.x1 > g.__data__.x0)"
HTML_FRAME = HTML_FRAMES + ".find(g => g.__data__.data.name.startsWith('%s'))"
WIDTH = "%s.querySelector('rect').getBoundingClientRect().width"
TEXT = "document.querySelector('#%s').textContent"
LINK = "decodeURIComponent(location.hash)"


class Pictures:
    def __init__(self, fgrender, fgdiff, folder):
        self.fgrender, self.fgdiff = (pathlib.Path(tool).resolve() for tool in (fgrender, fgdiff))
        self.folder = pathlib.Path(folder)

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name

    def draw(self, name, text, *options):
        self.run(self.fgrender, "-o", name, *options, self.write("stacks", text))
        return (self.folder / name).as_uri()

    def compare(self, name, *options):
        self.run(self.fgdiff, "-o", name, *options, self.write("before", STACKS),
                 self.write("after", AFTER))
        return (self.folder / name).as_uri()

    def run(self, tool, *arguments):
        subprocess.run([tool, "-q", *map(str, arguments)], cwd=self.folder, check=True, timeout=30)


class Kind:
    """What differs between the two documents for one and the same set of checks."""

    def __init__(self, ending, frames, frame, tip):
        self.ending, self.frames, self.frame, self.tip = ending, frames, frame, tip

    def one(self, name):
        return self.frame % name

    def width(self, name):
        return WIDTH % self.one(name)


KINDS = [
    Kind("svg", SVG_FRAMES, SVG_FRAME, "document.querySelector('#tip').textContent"),
    Kind("html", HTML_FRAMES, HTML_FRAME, "document.querySelector('#tip').innerText"),
]


def check_zoom(tap, kind, page, full):
    name = kind.ending
    page.move(kind.one("parse"))
    tap.check("50 samples" in page.run(kind.tip), f"{name}: pointing at a frame tells its figures",
              page.run(kind.tip))
    tap.check("50 samples" in page.run(TEXT % "details"), f"{name}: and so does the line below")
    page.click(kind.one("parse"))
    zoomed = page.until(f"Math.abs({kind.width('parse')} - {full}) < 3")
    tap.check(zoomed, f"{name}: a click zooms", page.run(kind.width("parse")))
    tap.check(page.run(f"!({kind.one('idle')})"), f"{name}: what is elsewhere is gone")
    tap.check(page.until(f"Math.abs({kind.width('read_token')} - 0.6 * {full}) < 4"),
              f"{name}: what is in it is as wide as its share")
    tap.check(page.run("location.hash").startswith("#"), f"{name}: the address links to it")
    page.click("document.querySelector('#unzoom')")
    tap.check(page.until(f"!!({kind.one('idle')})"), f"{name}: the button resets the zoom")
    tap.check(page.run("location.hash") == "", f"{name}: and the address")


def check_search(tap, kind, page):
    name = kind.ending
    page.key("f", control=True)
    tap.check(page.run("document.activeElement.id") == "search", f"{name}: Ctrl-F searches")
    page.type("^(read|skip)_")
    tap.check(page.until(f"{TEXT % 'matched'} === 'Matched: 40.0% in 2 frames'"),
              f"{name}: a regular expression finds, and what it found is summed",
              page.run(TEXT % "matched"))
    page.run("document.querySelector('#search').select()")
    page.type("parse|read_token")
    tap.check(page.until(f"{TEXT % 'matched'} === 'Matched: 50.0% in 2 frames'"),
              f"{name}: a match in a match counts once", page.run(TEXT % "matched"))
    tap.check("s=parse|read_token" in page.run(LINK), f"{name}: the address holds the search")
    page.run("document.querySelector('#search').select()")
    page.type("(")
    tap.check(page.until("document.querySelector('#search').className === 'bad'"),
              f"{name}: an unfinished expression is shown as one")
    page.key("Escape")
    tap.check(page.until(f"{TEXT % 'matched'} === ''")
              and page.run("document.querySelector('#search').value") == "",
              f"{name}: Escape ends the search")


def check_keys(tap, kind, page, full):
    name = kind.ending
    for key in ("Escape", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowRight"):
        page.key(key)
    tap.check("main" in page.run(TEXT % "details"), f"{name}: arrow keys walk the frames",
              page.run(TEXT % "details"))
    page.key("Enter")
    tap.check(page.until(f"Math.abs({kind.width('main')} - {full}) < 3"), f"{name}: Enter zooms")
    page.key("Escape")
    tap.check(page.until(f"!!({kind.one('idle')})"), f"{name}: Escape resets the zoom")


def check_link(tap, kind, browser, url, full):
    name = kind.ending
    page = browser.open(url)
    page.click(kind.one("write"))
    page.until("location.hash !== ''")
    link = page.run("location.href")
    page.close()
    page = browser.open(link + "&s=flush", width=1000)
    tap.check(page.until(f"Math.abs({kind.width('write')} - {full - 200}) < 3"),
              f"{name}: a link shows what it was made from, in a window of another width",
              page.run(kind.width("write")))
    tap.check("100%" in page.run(TEXT % "matched"), f"{name}: and its search",
              page.run(TEXT % "matched"))
    page.close()


def check_kind(tap, kind, browser, pictures, shots):
    name = kind.ending
    url = pictures.draw("flame." + name, STACKS, "--title", "A & <B>")
    page = browser.open(url)
    full = page.run(kind.width("all"))
    tap.check(page.run(f"{kind.frames}.length") == 10, f"{name}: every frame is drawn")
    tap.check(1150 < full <= 1200, f"{name}: the graph is as wide as the window", full)
    check_zoom(tap, kind, page, full)
    check_search(tap, kind, page)
    check_keys(tap, kind, page, full)
    page.look(600, 700, True)
    tap.check(page.until(f"{kind.width('all')} < 600"), f"{name}: and follows it")
    back = page.run("getComputedStyle(document.querySelector('.back') || document.body)"
                    ".getPropertyValue(document.querySelector('.back') ? 'fill' : 'background-color')")
    tap.check(back == "rgb(21, 24, 29)", f"{name}: dark where that is preferred", back)
    picture = shots / f"flame-{name}.png"
    page.screenshot(picture)
    tap.check(picture.stat().st_size > 5000, f"{name}: a screenshot")
    tap.check(not page.complaints(), f"{name}: no error, no request", page.complaints())
    page.close()
    check_link(tap, kind, browser, url, full)


def check_hostile(tap, browser, pictures):
    for ending in ("svg", "html"):
        page = browser.open(pictures.draw("hostile." + ending, HOSTILE))
        frames = KINDS[ending == "html"].frames
        tap.check(page.run(f"{frames}.length") == 6 and page.run("typeof window.hurt") == "undefined",
                  f"{ending}: names are never markup")
        tap.check(not page.complaints(), f"{ending}: nor an error", page.complaints())
        page.close()


def check_difference(tap, browser, pictures, shots):
    fill = "%s.querySelector('rect').getAttribute('fill')"
    for kind in KINDS:
        page = browser.open(pictures.compare("diff." + kind.ending))
        more, less = (page.run(fill % kind.one(name)) for name in ("flush", "read_token"))
        tap.check(more == "#ff5448" and less != more and less != "#f0f0f0",
                  f"{kind.ending}: a comparison is red for more and blue for less", (more, less))
        page.screenshot(shots / f"diff-{kind.ending}.png")
        page.close()


def check_page(tap, browser, pictures):
    page = browser.open(pictures.draw("table.html", STACKS))
    rows = "[...document.querySelectorAll('tbody tr')].map(r => r.lastChild.textContent)"
    tap.check(page.run(rows)[:2] == ["flush", "read_token"], "html: functions by their own weight",
              page.run(rows))
    page.click("document.querySelectorAll('th')[1]")
    tap.check(page.run(rows)[0] == "app", "html: sorted by what is clicked", page.run(rows))
    page.click("[...document.querySelectorAll('tbody tr')].find(r => r.dataset.name === 'flush')")
    tap.check(page.until(f"{TEXT % 'matched'} === 'Matched: 40.0% in 1 frame'"),
              "html: a click on a function shows where it is", page.run(TEXT % "matched"))
    page.key("Escape")
    top = "%s.getBoundingClientRect().top"
    above = f"{top % (HTML_FRAME % 'all')} < {top % (HTML_FRAME % 'flush')}"
    tap.check(not page.run(above), "html: the root is at the bottom")
    page.click("document.querySelector('#flip')")
    tap.check(page.until(above), "html: and on top as an icicle graph")
    page.close()


def main(fgrender, fgdiff, shots=None):
    tap = Tap()
    path = chromium.find()
    if not path:
        tap.skip("pictures in a browser", "no Chromium (Debian: chromium-headless-shell)")
        tap.finish()
    with tempfile.TemporaryDirectory(prefix="fgread-pictures-") as folder:
        pictures = Pictures(fgrender, fgdiff, folder)
        shots = pathlib.Path(shots or folder)
        with chromium.Browser(path) as browser:
            for kind in KINDS:
                check_kind(tap, kind, browser, pictures, shots)
            check_hostile(tap, browser, pictures)
            check_difference(tap, browser, pictures, shots)
            check_page(tap, browser, pictures)
    tap.finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
