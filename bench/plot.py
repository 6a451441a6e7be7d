"""Pictures of a result, as SVG: bars for workloads, lines for what grows. Axes of sizes are logarithmic.

A few shapes are all that is needed; a plotting library would be the largest dependency of the whole project.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from bench.results import Curve, Result
from bench.table import number

_COLOURS = {
    "native": "#888888",
    "bindfs": "#a8531c",
    "passthrough_hp": "#2b5c9e",
    "pyfuse3-example": "#9a7fb5",
    "mycelial": "#4b7f2e",
    "mycelial-no-record": "#9bc17c",
    "mycelial-no-passthrough": "#c2a83e",
    "mycelial-in-place": "#1f9e89",
}
_OTHERS = ("#4b7f2e", "#2b5c9e", "#a8531c", "#9a7fb5", "#888888")
_BARS = ("bindfs", "passthrough_hp", "pyfuse3-example", "mycelial")


def plots(result: Result) -> Iterator[tuple[str, str]]:
    """Names and contents of all pictures that the result has something for."""
    shown = [name for name in _BARS if any(name in subjects for subjects in result.samples.values())]
    if shown:
        rows = [
            (result.titles[workload], [result.ratio(workload, name, "native") for name in shown])
            for workload in result.samples
        ]
        machine = (
            f"Linux {result.machine['kernel']}, as {result.machine['user']}, {result.machine['cores']} cores"
        )
        title = f"Time, as a multiple of the disk's own ({machine})"
        yield "workloads", bars(title, shown, rows)
    for name, curve in result.curves.items():
        if any(len(points) > 1 for points in curve.lines.values()):
            yield name, lines(curve)


def write_plots(result: Result, directory: Path, prefix: str) -> list[Path]:
    """Writes them; returns where."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, picture in plots(result):
        path = directory / f"{prefix}{name}.svg"
        path.write_text(picture)
        written.append(path)
    return written


def bars(title: str, series: Sequence[str], rows: Sequence[tuple[str, Sequence[float | None]]]) -> str:
    """One group of bars a row; a line marks 1, the disk's own time."""
    left, right, top, thick, gap = 260, 70, 64, 9, 9
    high = len(series) * thick + gap
    width, height = 900, top + len(rows) * high + 40
    values = [value for _, row in rows for value in row if value]
    scale = _Scale(min([0.5, *values]), max([2.0, *values]), left, width - right)
    parts = [*_frame(width, height, title), *_legend(series, left, 46)]
    for tick in scale.ticks():
        x = scale.at(tick)
        parts.append(_line(x, top - 4, x, height - 36, "#444444" if tick == 1 else "#dddddd"))
        parts.append(_text(x, height - 20, number(tick), "middle", "small"))
    for index, (label, row) in enumerate(rows):
        y = top + index * high
        parts.append(_text(left - 8, y + high / 2, label, "end", "small"))
        for place, (name, value) in enumerate(zip(series, row, strict=True)):
            if value:
                begin, end = sorted((scale.at(1.0), scale.at(value)))
                colour = _colour(name, place)
                parts.append(
                    f'<rect x="{begin:.1f}" y="{y + place * thick:.1f}" width="{max(1.0, end - begin):.1f}"'
                    f' height="{thick - 1}" fill="{colour}"/>'
                )
                beside = max(end, scale.at(1.0)) + 3
                parts.append(_text(beside, y + place * thick + 7.5, f"{value:.2f}", "start", "tiny"))
    return _svg(width, height, parts)


def lines(curve: Curve) -> str:
    """One line for each line of the curve, with its slope in the legend."""
    width, height, left, right, top, bottom = 580, 340, 70, 40, 70, 50
    points = [point for line in curve.lines.values() for point in line]
    across = _Scale(*_ends(x for x, _ in points), left, width - right)
    up = _Scale(*_ends(y for _, y in points), height - bottom, top)
    parts = _frame(width, height, curve.title)
    for tick in across.ticks():
        parts.append(_line(across.at(tick), top, across.at(tick), height - bottom, "#dddddd"))
        parts.append(_text(across.at(tick), height - bottom + 16, number(tick), "middle", "small"))
    for tick in up.ticks():
        parts.append(_line(left, up.at(tick), width - right, up.at(tick), "#dddddd"))
        parts.append(_text(left - 6, up.at(tick) + 4, number(tick), "end", "small"))
    parts.append(_text((left + width - right) / 2, height - 12, curve.x, "middle", "small"))
    parts.append(_text(8, top - 10, curve.y, "start", "small"))
    labels = []
    for place, (name, line) in enumerate(curve.lines.items()):
        colour = _colour(name, place)
        at = [(across.at(x), up.at(y)) for x, y in line if x > 0 and y > 0]
        track = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        parts.append(f'<polyline points="{track}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in at]
        slope = curve.slope(name)
        labels.append(name if slope is None else f"{name} ({slope:+.2f})")
    parts += _legend(labels, left, 44, [_colour(name, place) for place, name in enumerate(curve.lines)])
    return _svg(width, height, parts)


class _Scale:
    """A logarithmic axis from value `low` at `begin` to `high` at `end` (pixels)."""

    def __init__(self, low: float, high: float, begin: float, end: float) -> None:
        self._low, self._high = math.log10(low), math.log10(high)
        if self._high - self._low < 0.3:
            self._low, self._high = self._low - 0.15, self._high + 0.15
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return self._begin + share * (self._end - self._begin)

    def ticks(self) -> list[float]:
        """Powers of ten, or where there are few, 1, 2 and 5 times those."""
        found: list[float] = []
        for steps in ((1,), (1, 2, 5)):
            found = [
                step * 10.0**power
                for power in range(math.floor(self._low) - 1, math.ceil(self._high) + 1)
                for step in steps
            ]
            found = [tick for tick in found if self._low <= math.log10(tick) <= self._high]
            if len(found) > 2:
                break
        return found


def _ends(values: Iterable[float]) -> tuple[float, float]:
    known = [value for value in values if value > 0]
    return (min(known), max(known)) if known else (1.0, 10.0)


def _colour(name: str, place: int) -> str:
    return _COLOURS.get(name, _OTHERS[place % len(_OTHERS)])


def _frame(width: float, height: float, title: str) -> list[str]:
    return [
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(width / 2, 22, title, "middle", "title"),
    ]


def _legend(labels: Sequence[str], x: float, y: float, colours: Sequence[str] | None = None) -> list[str]:
    parts = []
    for place, label in enumerate(labels):
        colour = colours[place] if colours else _colour(label, place)
        parts.append(f'<rect x="{x:.0f}" y="{y - 9:.0f}" width="10" height="10" fill="{colour}"/>')
        parts.append(_text(x + 14, y, label, "start", "small"))
        x += 30 + 6.4 * len(label)
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(text)}</text>'


def _svg(width: float, height: float, parts: list[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        ' font-family="Helvetica, Arial, sans-serif">'
    )
    style = (
        "<style>.title { font-size: 15px; font-weight: bold; fill: #222222; }"
        " .small { font-size: 12px; fill: #444444; } .tiny { font-size: 8px; fill: #444444; }</style>"
    )
    return "\n".join([head, style, *parts, "</svg>", ""])
