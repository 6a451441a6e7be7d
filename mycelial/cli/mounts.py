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
    directory of it.
    """

    device: int
    top: str
    path: str


def mounts(mountinfo: str) -> Iterator[Mount]:
    """Yield those of type ``fuse.mycelial`` that `mountinfo` (see proc(5)) lists."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if after.split(" ")[0] == "fuse.mycelial" and len(fields) > 4:
            major, _, minor = fields[2].partition(":")
            yield Mount(os.makedev(int(major), int(minor)), _unescaped(fields[3]), _unescaped(fields[4]))


def _unescaped(field: str) -> str:
    """Undo the kernel's octal escapes of white space and backslashes (seq_path in fs/seq_file.c)."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
