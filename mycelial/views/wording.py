"""How the lines of the tree's texts become bytes: names in them stay as they are on the disk."""

from __future__ import annotations

from collections.abc import Iterable


def text_bytes(lines: Iterable[str]) -> bytes:
    """Return `lines` as the content of a file."""
    return "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")
