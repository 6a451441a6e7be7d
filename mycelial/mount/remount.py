"""Changing the kernel's own flags of a mount that is there."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable

from mycelial.mount.place import MountError

_REMOUNT = 32
_FLAGS = {
    "ro": 1,
    "nosuid": 2,
    "nodev": 4,
    "noexec": 8,
    "sync": 16,
    "dirsync": 128,
    "noatime": 1024,
    "nodiratime": 2048,
}
_WITHOUT = {"rw": "ro", "suid": "nosuid", "dev": "nodev", "exec": "noexec"}
_USUAL = ("nosuid", "nodev")  # as libfuse mounts


def remount(mountpoint: str, words: Iterable[str]) -> None:
    """Give the mount the flags of these words, and the usual ones, by mount(2).

    Not by mount(8): since util-linux 2.39 it uses the newer calls, by which FUSE lets nothing be changed.

    Raises
    ------
    MountError
        if the kernel does not want to.
    """
    wanted = set(_USUAL)
    for word in words:
        wanted.discard(_WITHOUT.get(word, ""))
        wanted.add(word)
    flags = _REMOUNT
    for word in wanted & _FLAGS.keys():
        flags |= _FLAGS[word]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", os.fsencode(mountpoint), None, ctypes.c_ulong(flags), None) != 0:
        raise MountError(f"{mountpoint}: {os.strerror(ctypes.get_errno())}")
