"""Draws stacks as a flame graph (Brendan Gregg: "The Flame Graph", ACM Queue 14.2, 2016): what calls what
from the bottom upwards, as wide as it was seen often."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

_WIDTH, _HIGH, _TOP = 1200, 16, 40
_NARROW = 0.4  # pixels: narrower ones are not drawn
_LETTER = 6.2  # pixels


@dataclass(slots=True)
class _Frame:
    name: str
    count: int = 0
    called: dict[str, _Frame] = field(default_factory=dict)

    def depth(self) -> int:
        return 1 + max((frame.depth() for frame in self.called.values()), default=0)


def flame_graph(title: str, stacks: Mapping[tuple[str, ...], int]) -> str:
    """The picture for stacks, outermost frame first, with how often each was seen."""
    root = _Frame("all")
    for stack, count in sorted(stacks.items()):
        frame = root
        frame.count += count
        for name in stack:
            frame = frame.called.setdefault(name, _Frame(name))
            frame.count += count
    height = _TOP + root.depth() * _HIGH + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        ' font-family="Helvetica, Arial, sans-serif" font-size="11">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{_WIDTH / 2}" y="22" text-anchor="middle" font-size="15">{escape(title)}</text>',
    ]
    if root.count:
        _draw(root, 0.0, height - 10 - _HIGH, root.count, parts)
    return "\n".join([*parts, "</svg>", ""])


def _draw(frame: _Frame, x: float, y: float, whole: int, parts: list[str]) -> None:
    width = frame.count / whole * _WIDTH
    if width < _NARROW:
        return
    share, colour = f"{frame.count / whole:.1%}", _colour(frame.name)
    parts.append(
        f"<g><title>{escape(frame.name)}: {share}</title>"
        f'<rect x="{x:.1f}" y="{y}" width="{width - 0.3:.1f}" height="{_HIGH - 1}" fill="{colour}"/>'
    )
    letters = int((width - 4) / _LETTER)
    if letters >= 3:
        shown = frame.name if len(frame.name) <= letters else frame.name[: letters - 1] + "…"
        parts.append(f'<text x="{x + 2:.1f}" y="{y + 11}">{escape(shown)}</text>')
    parts.append("</g>")
    for called in frame.called.values():
        _draw(called, x, y - _HIGH, whole, parts)
        x += called.count / whole * _WIDTH


def _colour(name: str) -> str:
    """A warm colour, always the same for a name; the kernel's functions are blue."""
    shade = zlib.crc32(name.encode(errors="replace")) % 60
    if name.endswith("_[k]"):
        return f"rgb({120 + shade},{170 + shade // 2},225)"
    return f"rgb({225 + shade // 3},{130 + shade},{70 + shade // 2})"
