"""Numbered entries: how a ranking becomes the names and links of one directory.

The name of an entry, ``NN-<name>``, sorts by rank and keeps the bytes of the file's own name. Nothing
that the database says is trusted here: a path that is not clean, or a link longer than a symbolic
link can be, gives no entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mycelial.record.events import bytes_of, is_clean_path
from mycelial.views.node import Caller, Source, SourceKind

MOST = 20
"""Entries in a directory."""

ASKED = 3 * MOST
"""How many are asked for, as some may not be shown to the caller."""

_LONGEST_NAME = 255  # bytes: NAME_MAX
_LONGEST_TARGET = 4095  # bytes: PATH_MAX without its NUL


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry called `name` stands for the file `path` (relative to the mount root)."""

    name: bytes
    path: str


def numbered(paths: Iterable[str], source: Source, caller: Caller, without: str = "") -> tuple[Entry, ...]:
    """Return entries for those of `paths` that the caller may reach, except `without`; at most MOST."""
    entries: list[Entry] = []
    seen = {without}
    for path in paths:
        if path in seen or not is_clean_path(path):
            continue
        seen.add(path)
        raw = bytes_of(path)
        if source.kind(raw, caller) is not SourceKind.FILE:
            continue
        entries.append(Entry(entry_name(len(entries) + 1, raw), path))
        if len(entries) == MOST:
            break
    return tuple(entries)


def entry_name(rank: int, path: bytes) -> bytes:
    """Return ``NN-<name>``, cut on the right to what a name may hold (at a whole character, if UTF-8)."""
    whole = b"%02d-%s" % (rank, path.rpartition(b"/")[2])
    cut = whole[:_LONGEST_NAME]
    if len(whole) == len(cut) or not _is_utf8(whole):
        return cut
    return cut.decode("utf-8", "ignore").encode()


def link_target(path: str, depth: int) -> bytes | None:
    """Return the target of a link to `path` that lies `depth` directories below the mount root."""
    target = b"../" * depth + bytes_of(path)
    return target if len(target) <= _LONGEST_TARGET else None


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
