"""Cases about file content: reading, writing, sizes, holes, allocation, memory maps, times that move."""

from __future__ import annotations

import fcntl
import hashlib
import os
import resource
import signal

from tests.mount import linux
from tests.mount.matrix import Limit, Rights, World, case

GIB = 1 << 30
RW = os.O_RDWR | os.O_CREAT


@case()
def write_and_read_back(w: World) -> None:
    with w.opened(w.path("f"), RW) as fd:
        w.attempt("write", os.write, fd, b"hello, world")
        w.attempt("read at end", os.read, fd, 10)
        w.attempt("pread", os.pread, fd, 5, 7)
        w.attempt("pread past end", os.pread, fd, 5, 100)
        w.attempt("pread across end", os.pread, fd, 50, 10)
        w.attempt("pwrite", os.pwrite, fd, b"WORLD", 7)
        w.attempt("pwrite beyond", os.pwrite, fd, b"far", 10_000)
        w.attempt("writev", os.writev, fd, [b"one", b"", b"two" * 1000])
        w.attempt("preadv", lambda: [os.preadv(fd, [bytearray(5), bytearray(7)], 3)])
        w.attempt("fstat", os.fstat, fd)
        w.attempt("write nothing", os.write, fd, b"")
        w.attempt("all", os.pread, fd, 20_000, 0)
    w.look("after close", w.path("f"))


@case()
def large_writes_and_odd_offsets(w: World) -> None:
    block = bytes(range(256)) * 4096
    with w.opened(w.path("f"), RW) as fd:
        w.attempt("a mebibyte", os.write, fd, block)
        w.attempt("unaligned", os.pwrite, fd, block[:300_001], 777_777)
        w.attempt("read it", os.pread, fd, 400_000, 700_001)
        w.attempt("fsync", os.fsync, fd)
        w.attempt("fdatasync", os.fdatasync, fd)
    w.attempt("content", w.read, w.path("f"))


@case()
def access_modes_of_descriptors(w: World) -> None:
    path = w.file("f", b"content")
    with w.opened(path, os.O_RDONLY) as fd:
        w.attempt("write to read-only", os.write, fd, b"x")
        w.attempt("truncate read-only", os.ftruncate, fd, 0)
        w.attempt("allocate read-only", linux.fallocate, fd, 0, 0, 10)
    with w.opened(path, os.O_WRONLY) as fd:
        w.attempt("read from write-only", os.read, fd, 1)
        w.attempt("truncate write-only", os.ftruncate, fd, 3)
    with w.opened(path, os.O_PATH) as fd:
        w.attempt("read from O_PATH", os.read, fd, 1)
        w.attempt("stat of O_PATH", os.fstat, fd)
    with w.opened(w.root, os.O_RDONLY) as fd:
        w.attempt("read a directory", os.read, fd, 1)
        w.attempt("pread a directory", os.pread, fd, 1, 0)
        w.attempt("truncate a directory", os.ftruncate, fd, 0)
        w.attempt("fsync a directory", os.fsync, fd)


@case()
def open_flags(w: World) -> None:
    path = w.file("f", b"content")
    w.directory("d")
    os.symlink("f", w.path("link"))
    os.symlink("nowhere", w.path("dangling"))
    os.symlink("loop", w.path("loop"))
    flag_sets = {
        "create": RW,
        "exclusive": RW | os.O_EXCL,
        "directory": os.O_RDONLY | os.O_DIRECTORY,
        "nofollow": os.O_RDONLY | os.O_NOFOLLOW,
        "write": os.O_WRONLY,
        "read": os.O_RDONLY,
        "truncate read-only": os.O_RDONLY | os.O_TRUNC,
        "append": os.O_WRONLY | os.O_APPEND,
        "sync": os.O_WRONLY | os.O_SYNC,
        "dsync": os.O_WRONLY | os.O_DSYNC,
        "nonblock": os.O_RDWR | os.O_NONBLOCK,
        "noatime": os.O_RDONLY | os.O_NOATIME,
        "path": os.O_PATH,
        "path nofollow": os.O_PATH | os.O_NOFOLLOW,
        "create directory": RW | os.O_DIRECTORY,
    }
    for kind in ("f", "d", "link", "loop", "f/below", "missing/below", "f/", "d/", "new/"):
        for label, flags in flag_sets.items():
            descriptor = w.works(f"{label} {kind}", os.open, w.path(kind), flags)
            if descriptor is not None:
                os.close(descriptor)
    w.attempt("content", w.read, path)
    with w.opened(w.path("dangling"), RW) as fd:
        os.write(fd, b"made through a dangling link")
    w.listing("names", w.root)


@case()
def truncation(w: World) -> None:
    path = w.file("f", b"0123456789" * 1000)
    for size in (5000, 0, 100_000, 7, -1):
        w.attempt(f"truncate to {size}", os.truncate, path, size)
        w.look(f"stat at {size}", path)
    w.attempt("content", w.read, path)
    with w.opened(path, os.O_RDWR) as fd:
        for size in (4096, 4097, 1, 0, 1 << 40, -1):
            w.attempt(f"ftruncate to {size}", os.ftruncate, fd, size)
            w.attempt(f"fstat at {size}", os.fstat, fd)
        os.ftruncate(fd, 3)
        w.attempt("content through handle", os.pread, fd, 10, 0)
    os.mkdir(w.path("d"))
    w.attempt("directory", os.truncate, w.path("d"), 0)
    w.attempt("missing", os.truncate, w.path("missing"), 0)
    w.attempt("too large", os.truncate, path, (1 << 63) - 1)
    with w.opened(path, os.O_WRONLY | os.O_TRUNC):
        w.look("after O_TRUNC", path)


@case()
def truncating_zeroes_what_was_cut(w: World) -> None:
    with w.opened(w.path("f"), RW) as fd:
        os.write(fd, b"x" * 10_000)
        os.ftruncate(fd, 4100)
        os.ftruncate(fd, 10_000)
        w.attempt("zeroes", os.pread, fd, 10_000, 0)
        os.pwrite(fd, b"end", 20_000)
        w.attempt("gap", os.pread, fd, 30_000, 0)


@case()
def appending(w: World) -> None:
    path = w.file("f", b"start.")
    with w.opened(path, os.O_RDWR | os.O_APPEND) as fd, w.opened(path, os.O_WRONLY) as other:
        w.attempt("append", os.write, fd, b"one.")
        os.pwrite(other, b"behind.", 10)
        w.attempt("append after another's write", os.write, fd, b"two.")
        w.attempt("position", os.lseek, fd, 0, os.SEEK_CUR)
        w.attempt("pwrite appends too", os.pwrite, fd, b"three.", 0)
        os.ftruncate(other, 3)
        w.attempt("append after truncation", os.write, fd, b"four.")
    w.attempt("content", w.read, path)


@case()
def appending_only_from_now_on(w: World) -> None:
    path = w.file("f", b"start.")
    with w.opened(path, os.O_RDWR) as fd:
        os.write(fd, b"S")
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)
        w.attempt("append", os.write, fd, b"one.")
        w.attempt("pwrite appends", os.pwrite, fd, b"two.", 0)
        fcntl.fcntl(fd, fcntl.F_SETFL, 0)
        w.attempt("pwrite does not", os.pwrite, fd, b"T", 1)
    w.attempt("content", w.read, path)


@case(
    limit=Limit(
        "with passthrough, the kernel opens the file below as the program did, and tells nobody of F_SETFL",
        {"content": b"start.one.T"},
    )
)
def appending_no_longer(w: World) -> None:
    path = w.file("f", b"start.")
    with w.opened(path, os.O_RDWR | os.O_APPEND) as fd:
        w.attempt("append", os.write, fd, b"one.")
        fcntl.fcntl(fd, fcntl.F_SETFL, 0)
        w.attempt("pwrite does not", os.pwrite, fd, b"T", 1)
        w.attempt("content", w.read, path)
        os.ftruncate(fd, 0)


@case(rights=Rights.ROOT)
def a_file_that_can_only_be_appended_to(w: World) -> None:
    path = w.file("f", b"start.")
    with w.opened(path, os.O_RDONLY) as fd:
        linux.set_inode_flags(fd, 0x20)
    try:
        for label, flags in {"write": 0, "append": os.O_APPEND, "empty": os.O_APPEND | os.O_TRUNC}.items():
            for create in (0, os.O_CREAT):
                descriptor = w.works(f"open to {label} {create}", os.open, path, os.O_WRONLY | flags | create)
                if descriptor is not None:
                    w.attempt(f"{label} {create}", os.pwrite, descriptor, b"more.", 0)
                    os.close(descriptor)
        w.attempt("content", w.read, path)
        w.attempt("unlink", os.unlink, path)
    finally:
        with w.opened(path, os.O_RDONLY) as fd:
            linux.set_inode_flags(fd, 0)


@case()
def one_file_through_two_descriptors(w: World) -> None:
    path = w.file("f", b"a" * 10_000)
    with w.opened(path, os.O_RDWR) as one, w.opened(path, os.O_RDWR) as two:
        w.attempt("read before", os.pread, two, 3, 0)
        os.pwrite(one, b"b" * 5000, 2500)
        w.attempt("sees the write", os.pread, two, 10_000, 0)
        os.ftruncate(two, 3000)
        w.attempt("sees the size", os.fstat, one)
        w.attempt("sees the end", os.pread, one, 10_000, 0)
        w.attempt("seek to end", os.lseek, one, 0, os.SEEK_END)


@case()
def sparse_beyond_four_gibibytes(w: World) -> None:
    with w.opened(w.path("f"), RW) as fd:
        w.attempt("write at 5 GiB", os.pwrite, fd, b"far away", 5 * GIB + 3)
        w.attempt("fstat", os.fstat, fd)
        w.note("hardly any blocks", os.fstat(fd).st_blocks <= 64)
        w.attempt("read across 4 GiB", os.pread, fd, 5000, 4 * GIB - 2500)
        w.attempt("read the data", os.pread, fd, 100, 5 * GIB)
        w.attempt("data at", os.lseek, fd, 0, os.SEEK_DATA)
        w.attempt("hole at", os.lseek, fd, 5 * GIB + 3, os.SEEK_HOLE)
        w.attempt("end", os.lseek, fd, 0, os.SEEK_END)
        w.attempt("truncate to 4 GiB + 1", os.ftruncate, fd, 4 * GIB + 1)
        w.attempt("shorter", os.fstat, fd)


@case()
def seeking_data_and_holes(w: World) -> None:
    with w.opened(w.path("f"), RW) as fd:
        os.pwrite(fd, b"x" * 4096, 0)
        os.pwrite(fd, b"x" * 4096, 1 << 20)
        os.ftruncate(fd, 3 << 20)
        os.fsync(fd)
        for offset in (0, 100, 4096, 1 << 20, (1 << 20) + 4096, (3 << 20) - 1, 3 << 20, 1 << 30, -1):
            w.attempt(f"data from {offset}", os.lseek, fd, offset, os.SEEK_DATA)
            w.attempt(f"hole from {offset}", os.lseek, fd, offset, os.SEEK_HOLE)
            w.attempt(f"position after {offset}", os.lseek, fd, 0, os.SEEK_CUR)
        w.attempt("unknown whence", os.lseek, fd, 0, 99)
        w.attempt("before the start", os.lseek, fd, -5, os.SEEK_SET)
        w.attempt("beyond the end", os.lseek, fd, 100, os.SEEK_END)
        w.attempt("read there", os.read, fd, 10)


@case()
def allocation(w: World) -> None:
    with w.opened(w.path("f"), RW) as fd:
        w.attempt("allocate", linux.fallocate, fd, 0, 0, 100_000)
        w.attempt("size", os.fstat, fd)
        w.note("blocks are there", os.fstat(fd).st_blocks * 512 >= 100_000)
        w.attempt("keep size", linux.fallocate, fd, linux.FALLOC_FL_KEEP_SIZE, 100_000, 100_000)
        w.attempt("size kept", os.fstat, fd)
        os.pwrite(fd, b"x" * 100_000, 0)
        punch = linux.FALLOC_FL_PUNCH_HOLE | linux.FALLOC_FL_KEEP_SIZE
        w.attempt("punch", linux.fallocate, fd, punch, 5000, 20_000)
        w.attempt("punched", os.pread, fd, 100_000, 0)
        w.attempt("hole", os.lseek, fd, 0, os.SEEK_HOLE)
        w.attempt("punch without keep size", linux.fallocate, fd, linux.FALLOC_FL_PUNCH_HOLE, 0, 100)
        w.attempt("zero", linux.fallocate, fd, linux.FALLOC_FL_ZERO_RANGE, 90_000, 20_000)
        w.attempt("zeroed", os.pread, fd, 200_000, 0)
        zero_keep = linux.FALLOC_FL_ZERO_RANGE | linux.FALLOC_FL_KEEP_SIZE
        w.attempt("zero keeping size", linux.fallocate, fd, zero_keep, 105_000, 50_000)
        w.attempt("size still", os.fstat, fd)
        w.attempt("no length", linux.fallocate, fd, 0, 0, 0)
        w.attempt("negative", linux.fallocate, fd, 0, -1, 10)
        w.attempt("unknown mode", linux.fallocate, fd, 0x8000, 0, 10)
        w.attempt("posix_fallocate", os.posix_fallocate, fd, 0, 300_000)
        w.attempt("grown", os.fstat, fd)
    with w.opened(w.root, os.O_RDONLY) as fd:
        w.attempt("a directory", linux.fallocate, fd, 0, 0, 10)


@case(
    limit=Limit(
        "the kernel's fuse_file_fallocate passes on only KEEP_SIZE, PUNCH_HOLE and ZERO_RANGE",
        {"collapse": "EOPNOTSUPP", "insert": "EOPNOTSUPP"},
    )
)
def allocation_modes_that_move_data(w: World) -> None:
    with w.opened(w.path("f"), RW) as fd:
        os.pwrite(fd, b"a" * 4096 + b"b" * 4096 + b"c" * 4096, 0)
        w.attempt("collapse", linux.fallocate, fd, linux.FALLOC_FL_COLLAPSE_RANGE, 4096, 4096)
        w.attempt("insert", linux.fallocate, fd, linux.FALLOC_FL_INSERT_RANGE, 4096, 4096)
        os.ftruncate(fd, 0)


@case()
def copying_ranges(w: World) -> None:
    source, target = w.file("source", bytes(range(256)) * 1000), w.file("target", b"t" * 1000)
    with w.opened(source, os.O_RDONLY) as one, w.opened(target, os.O_RDWR) as two:
        w.attempt("with offsets", os.copy_file_range, one, two, 100_000, 1000, 500)
        w.attempt("target", os.pread, two, 200_000, 0)
        w.attempt("with positions", os.copy_file_range, one, two, 1000)
        w.attempt("source position", os.lseek, one, 0, os.SEEK_CUR)
        w.attempt("target position", os.lseek, two, 0, os.SEEK_CUR)
        w.attempt("past the end", os.copy_file_range, one, two, 1000, 300_000, 0)
        w.attempt("target again", os.pread, two, 200_000, 0)
        w.attempt("size", os.fstat, two)
        w.attempt("wrong way", os.copy_file_range, two, one, 1000, 0, 0)
        w.attempt("same file", os.copy_file_range, two, two, 500, 0, 2000)
        w.attempt("overlapping", os.copy_file_range, two, two, 500, 0, 100)
        w.attempt("content", os.pread, two, 200_000, 0)
    with w.opened(w.root, os.O_RDONLY) as one, w.opened(target, os.O_RDWR) as two:
        w.attempt("from a directory", os.copy_file_range, one, two, 10)


@case()
def copying_much(w: World) -> None:
    """More than the daemon copies at a time."""
    source, target = w.file("source", bytes(range(256)) * 90_000), w.file("target", b"t" * 1000)
    with w.opened(source, os.O_RDONLY) as one, w.opened(target, os.O_RDWR) as two:
        w.attempt("to the end", os.copy_file_range, one, two, 50_000_000, 1000, 500)
        w.attempt("size", os.fstat, two)
        w.attempt("digest", lambda: hashlib.sha256(os.pread(two, 50_000_000, 0)).hexdigest())
        w.attempt("overlapping", os.copy_file_range, two, two, 20_000_000, 0, 18_000_000)


@case()
def sending_and_splicing(w: World) -> None:
    source = w.file("source", bytes(range(256)) * 100)
    with w.opened(source, os.O_RDONLY) as one, w.opened(w.path("target"), RW) as two:
        w.attempt("sendfile", os.sendfile, two, one, 1000, 20_000)
        w.attempt("sent", os.pread, two, 30_000, 0)
        read_end, write_end = os.pipe()
        w.attempt("splice in", os.splice, one, write_end, 5000, 0)
        w.attempt("splice out", os.splice, read_end, two, 5000, None, 0)
        w.attempt("spliced", os.pread, two, 30_000, 0)
        os.close(read_end)
        os.close(write_end)


@case()
def file_size_limit(w: World) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    with w.opened(w.path("f"), RW) as fd:
        w.attempt("within", os.pwrite, fd, b"x" * 1000, 99_000)
        w.attempt("across", os.pwrite, fd, b"x" * 1000, 99_500)
        w.attempt("beyond", os.pwrite, fd, b"x", 100_000)
        w.attempt("truncate beyond", os.ftruncate, fd, 200_000)
        w.attempt("allocate beyond", linux.fallocate, fd, 0, 0, 200_000)
        w.attempt("size", os.fstat, fd)


@case(
    limit=Limit(
        "copy_file_range moves an access time, and the kernel does not know; it shows when attributes expire",
        {"copy moves": ["file mtime", "file ctime"]},
    )
)
def times_that_operations_on_content_move(w: World) -> None:
    path, other = w.file("f", b"x" * 1000), w.file("other", b"y" * 1000)
    here = {"file": path, "directory": w.root}
    with w.opened(path, os.O_RDWR) as fd, w.opened(other, os.O_RDWR) as second:
        w.effects("read", here, lambda: os.pread(fd, 10, 0))
        w.effects("write", here, lambda: os.pwrite(fd, b"x", 0))
        w.effects("write nothing", here, lambda: os.pwrite(fd, b"", 0))
        w.effects("shorten", here, lambda: os.ftruncate(fd, 10))
        w.effects("lengthen", here, lambda: os.ftruncate(fd, 5000))
        w.effects("same size by handle", here, lambda: os.ftruncate(fd, 5000))
        w.effects("allocate", here, lambda: linux.fallocate(fd, 0, 0, 9000))
        w.effects("punch", here, lambda: linux.fallocate(fd, 3, 0, 4096))
        w.effects("flags", here, lambda: linux.set_inode_flags(fd, 0x40))
        w.effects("copy", {**here, "other": other}, lambda: os.copy_file_range(second, fd, 100, 0, 0))
    w.effects("truncate by name", here, lambda: os.truncate(path, 10))
    w.effects("same size by name", here, lambda: os.truncate(path, 10))
    w.effects("open and close", here, lambda: os.close(os.open(path, os.O_RDWR)))
    w.effects("open to truncate", here, lambda: os.close(os.open(path, os.O_WRONLY | os.O_TRUNC)))
    w.effects("truncate an empty one", here, lambda: os.close(os.open(path, os.O_WRONLY | os.O_TRUNC)))


@case()
def flags_of_the_inode(w: World) -> None:
    with w.opened(w.file("f"), os.O_RDONLY) as fd:
        w.attempt("FS_IOC_GETFLAGS", linux.inode_flags, fd)
        w.attempt("FS_IOC_GETVERSION", linux.inode_version, fd)
        w.attempt("FS_IOC_GETVERSION of a 32-bit program", linux.inode_version_for_32_bits, fd)
        w.attempt("FS_IOC_GETFSLABEL", linux.label, fd)
    with w.opened(w.root, os.O_RDONLY) as fd:
        w.attempt("of a directory", linux.inode_flags, fd)


@case()
def nameless_files(w: World) -> None:
    descriptor = w.works("O_TMPFILE", os.open, w.root, os.O_RDWR | os.O_TMPFILE, 0o640)
    if descriptor is None:
        return
    w.attempt("write", os.write, descriptor, b"nameless")
    w.attempt("stat", os.fstat, descriptor)
    w.attempt("give it a name", linux.link_descriptor, descriptor, w.path("named"))
    w.attempt("named stat", os.fstat, descriptor)
    w.attempt("content", w.read, w.path("named"))
    os.close(descriptor)
    os.unlink(w.path("named"))
