"""Cases about listing directories, large ones and changing ones too, and about directories that are gone."""

from __future__ import annotations

import ctypes
import os

from tests.mount.matrix import World, case

RW = os.O_RDWR | os.O_CREAT
MANY = 800


class Dirent(ctypes.Structure):
    _fields_ = (
        ("d_ino", ctypes.c_uint64),
        ("d_off", ctypes.c_int64),
        ("d_reclen", ctypes.c_ushort),
        ("d_type", ctypes.c_ubyte),
        ("d_name", ctypes.c_char * 256),
    )


_libc = ctypes.CDLL(None, use_errno=True)
_libc.opendir.restype = ctypes.c_void_p
_libc.readdir.restype = ctypes.POINTER(Dirent)
_libc.readdir.argtypes = _libc.closedir.argtypes = _libc.rewinddir.argtypes = [ctypes.c_void_p]
_libc.telldir.argtypes = [ctypes.c_void_p]
_libc.telldir.restype = ctypes.c_long
_libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
_libc.dirfd.argtypes = [ctypes.c_void_p]


class Directory:
    """opendir(3) and the rest, which Python hides."""

    def __init__(self, path: bytes) -> None:
        self._stream = _libc.opendir(path)
        if not self._stream:
            raise OSError(ctypes.get_errno(), "opendir")

    def next(self) -> tuple[bytes, int, int] | None:
        """(name, type, inode), or None at the end."""
        entry = _libc.readdir(self._stream)
        return (entry.contents.d_name, entry.contents.d_type, entry.contents.d_ino) if entry else None

    def rest(self) -> list[bytes]:
        names = []
        while (entry := self.next()) is not None:
            names.append(entry[0])
        return names

    def tell(self) -> int:
        return int(_libc.telldir(self._stream))

    def seek(self, position: int) -> None:
        _libc.seekdir(self._stream, position)

    def rewind(self) -> None:
        _libc.rewinddir(self._stream)

    def close(self) -> None:
        _libc.closedir(self._stream)


def fill(w: World, count: int = MANY) -> bytes:
    directory = w.directory("many")
    for number in range(count):
        os.close(os.open(os.path.join(directory, b"file-%05d" % number), RW))
    return directory


@case()
def a_listing_names_everything_once(w: World) -> None:
    directory = fill(w)
    stream = Directory(directory)
    names = stream.rest()
    w.note("dots", [names.count(b"."), names.count(b"..")])
    w.note("all", sorted(names))
    stream.rewind()
    w.note("again", sorted(stream.rest()))
    stream.close()


@case()
def a_listing_tells_types_and_inode_numbers(w: World) -> None:
    w.file("file")
    w.directory("directory")
    os.symlink("file", w.path("link"))
    os.mkfifo(w.path("pipe"))
    stream = Directory(w.root)
    while (entry := stream.next()) is not None:
        name, _, inode = entry
        if name != b"..":
            w.note(f"{name!r} inode as in stat", inode == os.lstat(w.path(name)).st_ino)
    stream.rewind()
    entries = []
    while (entry := stream.next()) is not None:
        entries.append(entry[:2])
    w.note("types", sorted(entries))
    stream.close()


@case()
def telling_and_seeking_in_a_listing(w: World) -> None:
    directory = fill(w, 500)
    stream = Directory(directory)
    for _ in range(200):
        stream.next()
    place = stream.tell()
    rest = stream.rest()
    stream.seek(place)
    w.note("the same rest", stream.rest() == rest)
    stream.seek(0)
    w.note("from the start", len(stream.rest()))
    stream.close()


@case()
def listing_while_files_are_removed(w: World) -> None:
    """What stays is named exactly once, whatever else happens: POSIX readdir."""
    directory = fill(w)
    stream = Directory(directory)
    seen = [stream.next() for _ in range(50)]
    for number in range(0, MANY, 2):
        os.unlink(os.path.join(directory, b"file-%05d" % number))
    names = [entry[0] for entry in seen if entry] + stream.rest()
    stay = [b"file-%05d" % number for number in range(1, MANY, 2)]
    w.note("no name twice", len(names) == len(set(names)))
    w.note("all that stay", set(stay) <= set(names))
    stream.rewind()
    w.note("afterwards", sorted(stream.rest()))
    stream.close()


@case()
def listing_while_files_are_added_and_renamed(w: World) -> None:
    directory = fill(w, 600)
    stream = Directory(directory)
    names = [entry[0] for entry in (stream.next() for _ in range(50)) if entry]
    for number in range(200):
        os.close(os.open(os.path.join(directory, b"added-%05d" % number), RW))
    for number in range(400, 600):
        os.rename(
            os.path.join(directory, b"file-%05d" % number), os.path.join(directory, b"renamed-%05d" % number)
        )
    names += stream.rest()
    w.note("no name twice", len(names) == len(set(names)))
    w.note("all that stay", {b"file-%05d" % number for number in range(400)} <= set(names))
    stream.rewind()
    w.note("afterwards", sorted(stream.rest()))
    stream.close()


@case()
def removing_what_a_listing_names(w: World) -> None:
    """What rm -r does."""
    directory = fill(w, 400)
    rounds = 0
    while rounds < 5 and len(os.listdir(directory)):
        stream = Directory(directory)
        while (entry := stream.next()) is not None:
            if entry[0] not in (b".", b".."):
                os.unlink(os.path.join(directory, entry[0]))
        stream.close()
        rounds += 1
    w.attempt("empty", os.rmdir, directory)


@case()
def a_directory_that_is_gone(w: World) -> None:
    directory = w.directory("d")
    os.chdir(directory)
    with w.opened(directory, os.O_RDONLY | os.O_DIRECTORY) as fd:
        os.rmdir(directory)
        w.attempt("fstat", os.fstat, fd)
        w.attempt("list", os.listdir, fd)
        w.works("create in it", os.open, "f", RW, dir_fd=fd)
        w.attempt("mkdir in it", os.mkdir, "sub", dir_fd=fd)
        w.attempt("link into it", os.symlink, "x", "link", dir_fd=fd)
        w.attempt("stat dot", lambda: os.stat("."))
        w.attempt("getcwd", os.getcwdb)
        w.attempt("fchmod", os.fchmod, fd, 0o700)
        w.works("open dot", os.open, ".", os.O_RDONLY)
        os.mkdir(directory)
        w.note("another of that name", os.fstat(fd).st_nlink)
        w.works("create still fails", os.open, "f", RW, dir_fd=fd)
    os.chdir("/")


@case()
def link_counts_of_directories(w: World) -> None:
    directory = w.directory("d")
    w.look("new", directory)
    for name in ("one", "two", "three"):
        os.mkdir(os.path.join(directory, os.fsencode(name)))
        w.look(name, directory)
    os.rmdir(os.path.join(directory, b"two"))
    w.look("one removed", directory)
    os.rename(os.path.join(directory, b"one"), w.path("moved"))
    w.look("one moved", directory)


@case()
def listing_a_directory_without_rights(w: World) -> None:
    for mode in (0o000, 0o100, 0o400, 0o500, 0o300, 0o700):
        directory = w.directory(f"d{mode:o}")
        w.file(os.path.join(directory, b"f"), b"x")
        os.chmod(directory, mode)
        w.attempt(f"list {mode:o}", os.listdir, directory)
        w.attempt(f"stat inside {mode:o}", os.stat, os.path.join(directory, b"f"))
        w.works(f"create inside {mode:o}", lambda d=directory: os.close(os.open(os.path.join(d, b"g"), RW)))
        w.attempt(f"unlink inside {mode:o}", os.unlink, os.path.join(directory, b"f"))
        w.attempt(f"chdir {mode:o}", os.chdir, directory)
        os.chdir("/")
        os.chmod(directory, 0o700)
