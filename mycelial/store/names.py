"""File names are bytes, SQLite's TEXT is UTF-8: this is the one place where the two meet.

A name that is valid UTF-8 is stored as TEXT, so that it reads well in Datasette; any other name is
stored as a BLOB of its bytes.
"""

from __future__ import annotations

from mycelial.record.events import bytes_of, text_of


def to_column(name: str) -> str | bytes:
    """Return what to bind for `name`: itself, or its bytes where they are not UTF-8."""
    if name.isascii():
        return name
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return bytes_of(name)
    return name


def from_column(value: str | bytes) -> str:
    """Return the name that a TEXT or BLOB column holds."""
    return value if isinstance(value, str) else text_of(value)
