"""A picture as SVG, and as a page that can be looked around in, without anything from elsewhere.

File names are whatever somebody chose.  They come in here as text only: what does not print is escaped, what
means something to XML is quoted, and the page's script never makes markup of them.
"""

from __future__ import annotations

import math
from html import escape

from mycelial.graph.layout import positions
from mycelial.record.display import printable
from mycelial.store.picture import Picture

WIDTH = 1000
HEIGHT = 1000
MARGIN = 70
"""Measures of the drawing, in its own units."""

LONGEST = 28
"""Characters of a name that are written beside its dot; the whole path shows when somebody points at it."""

_COLOURS = (
    "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#edc948",
    "#b07aa1", "#9c755f", "#ff9da7", "#86bcb6", "#d37295", "#8cd17d",
)  # fmt: skip
_NONE = "#9a9a9a"

_STYLE = """
svg { background: #fff; font: 11px sans-serif; }
line { stroke: #888; stroke-opacity: .45; }
line.source { stroke: #555; stroke-dasharray: 4 3; stroke-opacity: .8; }
circle { stroke: #fff; stroke-width: 1; }
text { fill: #222; paint-order: stroke; stroke: #fff; stroke-width: 3px; stroke-opacity: .8; }
.faded { opacity: .12; }
@media (prefers-color-scheme: dark) {
  svg { background: #1b1b1f; } text { fill: #ddd; stroke: #1b1b1f; } circle { stroke: #1b1b1f; }
  line { stroke: #aaa; } line.source { stroke: #ccc; }
}
"""

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ margin: 0; display: flex; height: 100vh; font: 14px sans-serif; }}
svg {{ flex: 1; min-width: 0; cursor: grab; }}
aside {{ width: 22rem; overflow: auto; padding: 1rem; box-sizing: border-box; overflow-wrap: anywhere; }}
input {{ width: 100%; box-sizing: border-box; }}
li {{ cursor: pointer; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #1b1b1f; color: #ddd; }} }}
</style></head><body>
{drawing}
<aside><h1>{title}</h1><input type="search" placeholder="words in names" aria-label="words in names">
<p id="told">Point at a file or click it. Drag to move, turn the wheel to come nearer.</p>
<ul id="near"></ul></aside>
<script>
"use strict";
const svg = document.querySelector("svg"), told = document.getElementById("told");
const near = document.getElementById("near"), input = document.querySelector("input");
const files = [...svg.querySelectorAll("g.file")], lines = [...svg.querySelectorAll("line")];
const by = new Map(files.map(file => [file.dataset.n, file]));
function show(wanted) {{
  for (const file of files) file.classList.toggle("faded", wanted !== null && !wanted.has(file.dataset.n));
  for (const line of lines) {{
    const both = wanted !== null && wanted.has(line.dataset.a) && wanted.has(line.dataset.b);
    line.classList.toggle("faded", wanted !== null && !both);
  }}
}}
function choose(n) {{
  const wanted = new Set([n]);
  near.replaceChildren();
  for (const line of lines) {{
    const other = line.dataset.a === n ? line.dataset.b : line.dataset.b === n ? line.dataset.a : null;
    if (other === null) continue;
    wanted.add(other);
    const item = document.createElement("li");
    const made = line.dataset.a === n ? "source of " : "made from ";
    item.textContent = (line.dataset.kind === "source" ? made : "with ") + by.get(other).dataset.path
      + " (" + line.dataset.count + ")";
    item.onclick = () => choose(other);
    near.append(item);
  }}
  const file = by.get(n);
  told.textContent = file.dataset.path + (file.dataset.cluster ? " — " + file.dataset.cluster : "");
  show(wanted);
}}
for (const file of files) file.onclick = event => {{ event.stopPropagation(); choose(file.dataset.n); }};
input.oninput = () => {{
  const words = input.value.toLowerCase().split(" ").filter(word => word);
  const fits = file => words.every(word => file.dataset.path.toLowerCase().includes(word));
  show(words.length ? new Set(files.filter(fits).map(file => file.dataset.n)) : null);
}};
const view = svg.viewBox.baseVal;
let from = null;
svg.onpointerdown = event => {{ from = [event.clientX, event.clientY]; }};
svg.onpointermove = event => {{
  if (from === null || !event.buttons) return;
  const scale = view.width / svg.clientWidth;
  view.x -= (event.clientX - from[0]) * scale;
  view.y -= (event.clientY - from[1]) * scale;
  from = [event.clientX, event.clientY];
}};
svg.onclick = () => show(null);
svg.addEventListener("wheel", event => {{
  event.preventDefault();
  const factor = event.deltaY > 0 ? 1.15 : 1 / 1.15;
  view.x += view.width * (1 - factor) / 2;
  view.y += view.height * (1 - factor) / 2;
  view.width *= factor;
  view.height *= factor;
}}, {{ passive: false }});
</script></body></html>
"""


def svg(picture: Picture, title: str) -> str:
    """Return the picture as an SVG document."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + _drawing(picture, title)


def page(picture: Picture, title: str) -> str:
    """Return the picture as an HTML page that needs nothing else."""
    return _PAGE.format(title=_quoted(title), drawing=_drawing(picture, title))


def _drawing(picture: Picture, title: str) -> str:
    labels = list(dict.fromkeys(file.cluster for file in picture.files if file.cluster))
    colours = {label: _COLOURS[number % len(_COLOURS)] for number, label in enumerate(labels)}
    groups = [labels.index(file.cluster) if file.cluster else len(labels) for file in picture.files]
    edges = [(line.a, line.b, line.strength) for line in picture.lines]
    points = [
        (MARGIN + x * (WIDTH - 2 * MARGIN), MARGIN + y * (HEIGHT - 2 * MARGIN))
        for x, y in positions(len(picture.files), edges, groups)
    ]
    largest = max((file.weight for file in picture.files), default=1.0) or 1.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{_quoted(title)}</title><style>{_STYLE}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="14" refY="4" markerWidth="6" markerHeight="6"'
        ' orient="auto"><path d="M0 0L8 4L0 8z" fill="#777"/></marker></defs>',
    ]
    for line in picture.lines:
        (x1, y1), (x2, y2) = points[line.a], points[line.b]
        width = 1.0 if line.kind == "source" else 0.5 + 4.0 * line.strength
        arrow = ' marker-end="url(#arrow)"' if line.kind == "source" else ""
        parts.append(
            f'<line class="{line.kind}" data-a="{line.a}" data-b="{line.b}" data-kind="{line.kind}"'
            f' data-count="{line.count}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
            f' stroke-width="{width:.2f}"{arrow}/>'
        )
    for number, (file, (x, y)) in enumerate(zip(picture.files, points, strict=True)):
        radius = 4.0 + 8.0 * math.sqrt(file.weight / largest)
        parts.append(
            f'<g class="file" data-n="{number}" data-path="{_quoted(file.path)}"'
            f' data-cluster="{_quoted(file.cluster)}"><title>{_quoted(file.path)}</title>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colours.get(file.cluster, _NONE)}"/>'
            f'<text x="{x + radius + 2:.1f}" y="{y + 4:.1f}">{_quoted(_short(file.path))}</text></g>'
        )
    for number, label in enumerate(labels):
        y = 16 + 15 * number
        parts.append(
            f'<circle cx="12" cy="{y}" r="5" fill="{colours[label]}"/>'
            f'<text x="22" y="{y + 4}">{_quoted(label)}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


def _quoted(text: str) -> str:
    return escape(printable(text), quote=True)


def _short(path: str) -> str:
    name = path.rpartition("/")[2]
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
