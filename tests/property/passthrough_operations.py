"""What the passthrough machine can do to a tree, and how it sees the result.

Each function runs in an actor, on the mount or on a plain directory, and gives a value that must be the same
in both: a result, or the name of an error.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from typing import Any

from tests.mount import linux
from tests.mount.matrix import describe, error_name, plain, tree

NOW = "now"
SETTABLE_BEFORE = (
    1_500_000_000_000_000_000  # nanoseconds; the machine sets times from long before, never later
)
READ_AT_MOST = 1 << 20  # bytes: sparse files are larger
SLOTS: dict[int, int] = {}
"""The actor's open descriptors; each actor is a process of its own."""


def outcome(function: Callable[..., Any], *arguments: Any) -> tuple[str, object]:
    try:
        value = function(*arguments)
    except KeyError:
        return "closed", None
    except OSError as error:
        return "error", error_name(error)
    return "result", plain(value)


def pattern(seed: int, length: int) -> bytes:
    """Bytes that tell where they come from."""
    return bytes((seed * 37 + index * 11) % 251 + 1 for index in range(256)) * (length // 256 + 1)


def open_slot(slot: int, path: bytes, flags: int, mode: int) -> str:
    descriptor = os.open(path, flags | os.O_NONBLOCK, mode)
    close_slot(slot)
    SLOTS[slot] = descriptor
    return "open"


def close_slot(slot: int) -> None:
    if slot in SLOTS:
        os.close(SLOTS.pop(slot))


def close_all() -> None:
    for slot in list(SLOTS):
        close_slot(slot)


def write(slot: int, seed: int, length: int) -> int:
    return os.write(SLOTS[slot], pattern(seed, length)[:length])


def pwrite(slot: int, seed: int, length: int, offset: int) -> int:
    return os.pwrite(SLOTS[slot], pattern(seed, length)[:length], offset)


def read(slot: int, length: int) -> bytes:
    return os.read(SLOTS[slot], length)


def seek(slot: int, offset: int, whence: int) -> int | None:
    """In a file: positions in a directory are the filesystem's own."""
    if stat.S_ISDIR(os.fstat(SLOTS[slot]).st_mode):
        return None
    return os.lseek(SLOTS[slot], offset, whence)


def truncate_slot(slot: int, size: int) -> None:
    os.ftruncate(SLOTS[slot], size)


def allocate(slot: int, mode: int, offset: int, length: int) -> None:
    linux.fallocate(SLOTS[slot], mode, offset, length)


def copy_range(source: int, target: int, length: int, offset: int, to: int) -> int:
    return os.copy_file_range(SLOTS[source], SLOTS[target], length, offset, to)


def chmod_slot(slot: int, mode: int) -> None:
    os.fchmod(SLOTS[slot], mode)


def set_times_of_slot(slot: int, atime: int, mtime: int) -> None:
    os.utime(SLOTS[slot], ns=(atime, mtime))


def set_attribute_of_slot(slot: int, name: str, value: bytes) -> None:
    os.setxattr(SLOTS[slot], name, value)


def name_slot(slot: int, path: bytes) -> None:
    linux.link_descriptor(SLOTS[slot], path)


def sync(slot: int) -> None:
    os.fsync(SLOTS[slot])


def set_times(path: bytes, atime: int | None, mtime: int | None) -> None:
    """None leaves a time as it is."""

    def pair(value: int | None) -> tuple[int, int]:
        return (0, linux.UTIME_OMIT) if value is None else divmod(value, 10**9)

    linux.utimensat(path, pair(atime), pair(mtime), linux.AT_SYMLINK_NOFOLLOW)


def set_attribute(path: bytes, name: str, value: bytes) -> None:
    os.setxattr(path, name, value, follow_symlinks=False)


def remove_attribute(path: bytes, name: str) -> None:
    os.removexattr(path, name, follow_symlinks=False)


def make_node(path: bytes, mode: int) -> None:
    os.mknod(path, mode)


def link(path: bytes, target: bytes) -> None:
    os.link(path, target, follow_symlinks=False)


def change_owner(path: bytes, uid: int, gid: int) -> None:
    os.chown(path, uid, gid, follow_symlinks=False)


def change_mode(path: bytes, mode: int) -> None:
    """Of a file that is no link: chmod would follow it out of the tree."""
    if not stat.S_ISLNK(os.lstat(path).st_mode):
        os.chmod(path, mode)


def when(nanoseconds: int) -> int | str:
    """A time as it was set, or that it was not set."""
    return nanoseconds if nanoseconds < SETTABLE_BEFORE else NOW


def look_at(path: bytes) -> dict[str, object]:
    status = os.lstat(path)
    seen = {**describe(status), "mtime": when(status.st_mtime_ns)}
    if stat.S_ISLNK(status.st_mode):
        seen["target"] = os.readlink(path)
    else:
        seen["xattrs"] = {name: os.getxattr(path, name) for name in sorted(os.listxattr(path))}
    if stat.S_ISREG(status.st_mode):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            seen["content"] = plain(os.pread(descriptor, READ_AT_MOST, 0))
        finally:
            os.close(descriptor)
    return seen


def look_at_slot(descriptor: int, whences: tuple[int, ...]) -> dict[str, object]:
    status = os.fstat(descriptor)
    seen: dict[str, object] = {**describe(status), "mtime": when(status.st_mtime_ns)}
    if stat.S_ISREG(status.st_mode):
        seen["position"] = os.lseek(descriptor, 0, os.SEEK_CUR)
        with contextlib.suppress(OSError):
            seen["content"] = plain(os.pread(descriptor, READ_AT_MOST, 0))
        for whence in whences:
            seen[f"from {whence}"] = outcome(os.lseek, descriptor, 0, whence)
        os.lseek(descriptor, seen["position"], os.SEEK_SET)  # type: ignore[arg-type]
    return seen


def everything(root: bytes, whences: tuple[int, ...]) -> dict[bytes, dict[str, object]]:
    """All that can be observed of a tree and of the open descriptors; what lseek finds for `whences`."""
    seen = {path: look_at(os.path.join(root, path)) for path in tree(root)}
    for slot, descriptor in SLOTS.items():
        seen[b"descriptor %d" % slot] = look_at_slot(descriptor, whences)
    return seen
