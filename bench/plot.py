"""A picture of the results: for each recording, bars of the times relative to cat's, on a
logarithmic scale."""

import html
import math

WIDTH, LABEL, BAR, GAP, HEADING = 900, 240, 16, 4, 34
COLOURS = {"cat": "#999999", "fgread": "#d9603b", "peer": "#5b8db8"}


def text(x, y, words, anchor="start", size=12):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">'
            f"{html.escape(words)}</text>")


def draw(comparisons):
    """An SVG, as text."""
    figures = [(c, [(who, c.figures(who)) for who in c.runs])
               for c in comparisons]
    longest = max((f["times_cat"] for _, rows in figures for _, f in rows), default=1)
    # A bar of cat itself has some length, and the longest leaves room for its number.
    decades = math.log10(max(longest, 10)) + 0.5
    room = WIDTH - LABEL - 130

    def length(ratio):
        return max(1.0, (math.log10(max(ratio, 0.4)) + 0.5) / decades * room)

    shapes, y = [], 10
    for comparison, rows in figures:
        y += HEADING
        shapes.append(text(8, y - 10, comparison.title().split(";")[0], size=13))
        for who, f in rows:
            shapes.append(text(LABEL - 6, y + BAR - 4, who.name, "end"))
            shapes.append(f'<rect x="{LABEL}" y="{y}" width="{length(f["times_cat"]):.1f}" '
                          f'height="{BAR}" fill="{COLOURS[who.kind]}"/>')
            shapes.append(text(LABEL + length(f["times_cat"]) + 6, y + BAR - 4,
                               f"{f['wall']:.3g} s, {f['times_cat']:.3g} x cat"))
            y += BAR + GAP
    height = y + 30
    shapes.append(text(8, height - 10, "wall time relative to cat FILE > /dev/null, logarithmic"))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'font-family="sans-serif"><rect width="100%" height="100%" fill="white"/>\n'
            + "\n".join(shapes) + "\n</svg>\n")
