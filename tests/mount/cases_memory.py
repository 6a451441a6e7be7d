"""Cases about memory maps and O_DIRECT: the ways to a file's content around read and write."""

from __future__ import annotations

import mmap
import os

from tests.mount.matrix import World, case

RW = os.O_RDWR | os.O_CREAT


@case()
def shared_memory_maps(w: World) -> None:
    path = w.file("f", b"a" * 10_000)
    with w.opened(path, os.O_RDWR) as fd:
        with mmap.mmap(fd, 10_000) as area:
            w.note("mapped", bytes(area[:]))
            area[5000:5003] = b"new"
            w.attempt("read sees the map", os.pread, fd, 10, 4998)
            os.pwrite(fd, b"written", 100)
            w.note("the map sees writes", bytes(area[98:110]))
            area.flush()
            w.attempt("after msync", w.read, path)
        os.ftruncate(fd, 20_000)
        with mmap.mmap(fd, 20_000) as area:
            w.note("grown", bytes(area[10_000:10_010]))
            area[19_999:] = b"!"
    w.attempt("content", w.read, path)
    w.look("stat", path)


@case()
def shared_memory_maps_of_a_file_that_is_appended_to(w: World) -> None:
    path = w.file("f", b"a" * 10_000)
    with w.opened(path, os.O_RDWR | os.O_APPEND) as log, w.opened(path, os.O_RDWR) as fd:
        for descriptor, byte in ((log, b"L"), (fd, b"F")):
            with mmap.mmap(descriptor, 10_000) as area:
                area[5000:5001] = byte
                area.flush()
            w.attempt("size after msync", os.fstat, fd)
            w.attempt("append", os.write, log, b"end")
        os.fsync(fd)
    w.attempt("content", w.read, path)


@case()
def private_memory_maps(w: World) -> None:
    path = w.file("f", b"a" * 10_000)
    with w.opened(path, os.O_RDONLY) as fd, mmap.mmap(fd, 0, access=mmap.ACCESS_COPY) as area:
        area[0:3] = b"new"
        w.note("private change", bytes(area[:5]))
        w.attempt("file is as it was", os.pread, fd, 5, 0)
    with w.opened(path, os.O_RDONLY) as fd:
        w.attempt("shared and writable of read-only", mmap.mmap, fd, 0, access=mmap.ACCESS_WRITE)
        area = mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
    os.unlink(path)
    w.note("still mapped after close and unlink", bytes(area[9_990:]))
    area.close()


def aligned(size: int, fill: bytes) -> mmap.mmap:
    """A page-aligned buffer, as O_DIRECT wants it."""
    area = mmap.mmap(-1, size)
    area.write(fill * (size // len(fill)))
    return area


@case()
def direct_io(w: World) -> None:
    path = w.path("f")
    descriptor = w.works("open", os.open, path, RW | os.O_DIRECT)
    if descriptor is None:
        return
    block = aligned(8192, b"direct..")
    w.attempt("write", os.writev, descriptor, [block])
    w.attempt("write at an offset", os.pwritev, descriptor, [block], 16_384)
    into = mmap.mmap(-1, 4096)
    w.attempt("read", os.preadv, descriptor, [into], 4096)
    w.note("what was read", into[:])
    w.attempt("read at the end", os.preadv, descriptor, [into], 24_576)
    with w.opened(path, os.O_RDWR) as buffered:
        w.attempt("buffered sees it", os.pread, buffered, 30_000, 0)
        os.pwrite(buffered, b"buffered", 0)
        os.fsync(buffered)
    w.attempt("read after buffered write", os.preadv, descriptor, [into], 0)
    w.note("direct sees it", into[:20])
    w.attempt("size", os.fstat, descriptor)
    os.close(descriptor)


@case()
def a_shared_map_of_a_direct_descriptor(w: World) -> None:
    """Direct writes, maps and the page cache see one another."""
    path = w.file("f", b"." * 16_384)
    with w.opened(path, os.O_RDWR | os.O_DIRECT) as fd, mmap.mmap(fd, 16_384) as area:
        area[4096:4104] = b"by a map"
        area.flush()
        into = mmap.mmap(-1, 4096)
        w.attempt("read directly", os.preadv, fd, [into], 4096)
        w.note("what was mapped", into[:10])
        w.attempt("write directly", os.pwritev, fd, [aligned(4096, b"directly")], 8192)
        w.note("seen in the map", area[8190:8202])
        w.attempt("in the file", w.read, path)
