"""The few words that all texts of the tree share: how a moment is written, and how lines become bytes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime


def moment(t: float) -> str:
    """Return the time `t` (seconds since the epoch) in the machine's time zone, to the second."""
    try:
        return datetime.fromtimestamp(t).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "at an unknown time"


def text_bytes(lines: Iterable[str]) -> bytes:
    """Return `lines` as the content of a file."""
    return "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")
