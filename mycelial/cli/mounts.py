"""Which mounts of Mycelial there are, as the kernel lists them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mount:
    """A place where a mount shows: its files have `device` as their ``st_dev``.

    `top` is what of the mount is seen at `path`: ``/`` where it was mounted; a bind mount can show a
    directory of it. `owner` is the uid that it was made for (-1: not said), as anybody may call a mount of
    his so.
    """

    device: int
    top: str
    path: str
    owner: int = -1


def mounts(mountinfo: str) -> Iterator[Mount]:
    """Yield those of type ``fuse.mycelial`` that `mountinfo` (see proc(5)) lists."""
    for line in mountinfo.split("\n"):  # names may have what splitlines() takes for an end
        before, _, after = line.partition(" - ")
        fields, what = before.split(" "), after.split(" ")
        if what[0] == "fuse.mycelial" and len(fields) > 4:
            major, _, minor = fields[2].partition(":")
            owner = re.search(r"(?:^|,)user_id=(\d+)", what[-1])
            yield Mount(
                os.makedev(int(major), int(minor)),
                _unescaped(fields[3]),
                _unescaped(fields[4]),
                int(owner[1]) if owner else -1,
            )


def _unescaped(field: str) -> str:
    """Undo the kernel's octal escapes of white space and backslashes (seq_path in fs/seq_file.c)."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
