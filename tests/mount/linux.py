"""System calls that the standard library lacks."""

from __future__ import annotations

import ctypes
import fcntl
import functools
import mmap
import os
import struct

AT_FDCWD = -100
RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
RENAME_WHITEOUT = 4
FALLOC_FL_KEEP_SIZE = 1
FALLOC_FL_PUNCH_HOLE = 2
FALLOC_FL_COLLAPSE_RANGE = 8
FALLOC_FL_ZERO_RANGE = 0x10
FALLOC_FL_INSERT_RANGE = 0x20
FS_IOC_GETFLAGS = 0x80086601
FS_IOC_SETFLAGS = 0x40086602
FS_IOC_GETVERSION = 0x80087601
FS_IOC_GETFSLABEL = 0x81009431
UTIME_NOW = (1 << 30) - 1
UTIME_OMIT = (1 << 30) - 2
AT_SYMLINK_NOFOLLOW = 0x100
AT_EACCESS = 0x200
AT_SYMLINK_FOLLOW = 0x400
AT_EMPTY_PATH = 0x1000

IN_EVENTS = {
    0x001: "access",
    0x002: "modify",
    0x004: "attrib",
    0x008: "close_write",
    0x010: "close_nowrite",
    0x020: "open",
    0x040: "moved_from",
    0x080: "moved_to",
    0x100: "create",
    0x200: "delete",
    0x400: "delete_self",
    0x800: "move_self",
}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
_libc.renameat2.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
_libc.linkat.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
_libc.utimensat.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]
_libc.name_to_handle_at.argtypes = [
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_void_p,
    ctypes.c_int,
]
_libc.open_by_handle_at.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
_libc.faccessat.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]
_libc.inotify_add_watch.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32]


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def fallocate(fd: int, mode: int, offset: int, length: int) -> None:
    _checked(_libc.fallocate(fd, mode, offset, length))


def renameat2(source: bytes, target: bytes, flags: int) -> None:
    _checked(_libc.renameat2(AT_FDCWD, source, AT_FDCWD, target, flags))


def link_descriptor(fd: int, target: bytes) -> None:
    """Give an open file a name, as O_TMPFILE users do."""
    _checked(_libc.linkat(AT_FDCWD, b"/proc/self/fd/%d" % fd, AT_FDCWD, target, AT_SYMLINK_FOLLOW))


def utimensat(path: bytes, atime: tuple[int, int], mtime: tuple[int, int], flags: int = 0) -> None:
    """Set times given as (seconds, nanoseconds); the nanoseconds may be UTIME_NOW or UTIME_OMIT."""
    times = struct.pack("qqqq", *atime, *mtime)
    _checked(_libc.utimensat(AT_FDCWD, path, times, flags))


def inode_flags(fd: int) -> int:
    """The flags that chattr sets (FS_IOC_GETFLAGS)."""
    flags = bytearray(8)
    fcntl.ioctl(fd, FS_IOC_GETFLAGS, flags)
    return int(struct.unpack("I", flags[:4])[0])


def inode_version(fd: int) -> bytes:
    """The rest of a buffer, of which a program's int takes the first four bytes (FS_IOC_GETVERSION)."""
    version = bytearray(b"\xff" * 16)
    fcntl.ioctl(fd, FS_IOC_GETVERSION, version)
    return bytes(version[4:])


FS_IOC32_GETVERSION = 0x80047601
_CALL_OF_32_BITS = bytes.fromhex("53 4154 4989e4 4c89c4 89c8 89fb 89f1 cd80 4c89e4 415c 5b c3")
"""Machine code: a system call as a program of 32 bits makes it on x86-64, its stack where theirs are."""


def of_32_bits(
    number: int, text: bytes, first: int | None, second: int, third: int | None
) -> tuple[int, bytes]:
    """Make that call, the text for the argument that is None; the result, and what is left of the text."""
    _libc.mmap.restype = ctypes.c_void_p
    below_4_gib, readable_to_runnable = 0x40, 7
    page = _libc.mmap(
        None, 8192, readable_to_runnable, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | below_4_gib, -1, 0
    )
    ctypes.memmove(page, _CALL_OF_32_BITS, len(_CALL_OF_32_BITS))
    place, stack = page + 2048, page + 8192
    ctypes.memmove(place, text, len(text))
    call = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p
    )(page)
    words = [place if word is None else word & 0xFFFFFFFF for word in (first, second, third)]
    result = call(*words, number, stack)
    left = ctypes.string_at(place, len(text))
    _libc.munmap(ctypes.c_void_p(page), 8192)
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result, left


@functools.cache
def knows_32_bits() -> bool:
    """Whether this kernel has these calls; a program that makes them elsewhere is killed."""
    if os.uname().machine != "x86_64":
        return False
    child = os.fork()
    if child == 0:
        of_32_bits(20, b"", 0, 0, 0)  # getpid
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def inode_version_for_32_bits(fd: int) -> bytes:
    """The same as such a program asks for it; where there are none, as this one does."""
    if not knows_32_bits():
        return inode_version(fd)
    return of_32_bits(54, b"\xff" * 16, fd, FS_IOC32_GETVERSION, None)[1][4:]


def chown_for_32_bits(path: bytes, uid: int, gid: int) -> None:
    """os.chown as such a program does it; where there are none, as this one does."""
    if not knows_32_bits():
        os.chown(path, uid, gid)
    else:
        of_32_bits(212, path + b"\0", None, uid, gid)


def label(fd: int) -> bytes:
    """What the filesystem is called (FS_IOC_GETFSLABEL)."""
    return bytes(fcntl.ioctl(fd, FS_IOC_GETFSLABEL, bytes(256)))


def set_inode_flags(fd: int, flags: int) -> None:
    """What chattr does, with the flags that the filesystem itself needs left as they are."""
    kept = inode_flags(fd) & ~0x70  # immutable, append-only, not dumped
    fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack("II", kept | flags, 0))


def file_handle(path: bytes) -> ctypes.Array[ctypes.c_char]:
    """What an NFS server keeps of a file."""
    room = 128
    handle = ctypes.create_string_buffer(struct.pack("Ii", room, 0), 8 + room)
    mount = ctypes.c_int()
    _checked(_libc.name_to_handle_at(AT_FDCWD, path, handle, ctypes.byref(mount), 0))
    return handle


def open_handle(directory: int, handle: ctypes.Array[ctypes.c_char]) -> int:
    """Open the file of a handle, for reading; only root may."""
    return _checked(_libc.open_by_handle_at(directory, handle, os.O_RDONLY))


def faccessat(path: bytes, mode: int) -> None:
    """Ask as `os.access` does, for the error itself."""
    _checked(_libc.faccessat(AT_FDCWD, path, mode, 0))


def lock(fd: int) -> None:
    """Take and give back a lock of the whole file."""
    fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    fcntl.flock(fd, fcntl.LOCK_UN)


class Inotify:
    """What inotify tells about a directory."""

    def __init__(self) -> None:
        self._fd = _checked(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def watch(self, path: bytes, mask: int = 0xFFF) -> int:
        return _checked(_libc.inotify_add_watch(self._fd, path, mask))

    def events(self) -> list[tuple[str, bytes]]:
        """What happened since the last call: (event, name)."""
        found = []
        try:
            data = os.read(self._fd, 1 << 16)
        except BlockingIOError:
            return []
        while data:
            _, mask, _, length = struct.unpack_from("iIII", data)
            name = data[16 : 16 + length].rstrip(b"\0")
            found.extend((text, name) for bit, text in IN_EVENTS.items() if mask & bit)
            data = data[16 + length :]
        return found

    def close(self) -> None:
        os.close(self._fd)
