"""Cases about files that are open and have no name any more."""

from __future__ import annotations

import contextlib
import mmap
import os

from tests.mount import linux
from tests.mount.matrix import Rights, World, case

RW = os.O_RDWR | os.O_CREAT


def everything_with(w: World, fd: int, label: str) -> None:
    """Whatever a program can do with a descriptor."""
    w.attempt(f"{label} fstat", os.fstat, fd)
    w.attempt(f"{label} read", os.pread, fd, 100, 0)
    w.attempt(f"{label} write", os.pwrite, fd, b"written", 3)
    w.attempt(f"{label} reread", os.pread, fd, 100, 0)
    w.attempt(f"{label} lengthen", os.ftruncate, fd, 9000)
    w.attempt(f"{label} shorten", os.ftruncate, fd, 6)
    w.attempt(f"{label} fchmod", os.fchmod, fd, 0o4711)
    w.attempt(f"{label} fchown", os.fchown, fd, os.geteuid(), os.getegid())
    w.attempt(f"{label} futimens", os.utime, fd, ns=(1_000_000_001, 2_000_000_002))
    w.attempt(f"{label} times", lambda: [os.fstat(fd).st_atime_ns, os.fstat(fd).st_mtime_ns])
    w.attempt(f"{label} setxattr", os.setxattr, fd, "user.x", b"value")
    w.attempt(f"{label} getxattr", os.getxattr, fd, "user.x")
    w.attempt(f"{label} listxattr", os.listxattr, fd)
    w.attempt(f"{label} removexattr", os.removexattr, fd, "user.x")
    w.attempt(f"{label} allocate", linux.fallocate, fd, 0, 0, 20_000)
    w.attempt(f"{label} seek data", os.lseek, fd, 0, os.SEEK_DATA)
    w.attempt(f"{label} seek hole", os.lseek, fd, 0, os.SEEK_HOLE)
    w.attempt(f"{label} fsync", os.fsync, fd)
    w.attempt(f"{label} statvfs", lambda: os.fstatvfs(fd).f_namemax)
    with mmap.mmap(fd, 20_000) as area:
        area[10:13] = b"map"
        w.note(f"{label} mapped", bytes(area[:30]))
    w.attempt(f"{label} after map", os.pread, fd, 30, 0)
    w.attempt(f"{label} through /proc", lambda: os.close(os.open(f"/proc/self/fd/{fd}", os.O_RDWR)))
    w.attempt(f"{label} link it", linux.link_descriptor, fd, w.path("resurrected"))
    w.attempt(f"{label} at last", os.fstat, fd)


@case()
def an_unlinked_file_goes_on(w: World) -> None:
    with w.opened(w.file("f", b"0123456789"), os.O_RDWR) as fd:
        os.unlink(w.path("f"))
        everything_with(w, fd, "unlinked")
        w.attempt("its name", os.stat, w.path("f"))
        w.file("f", b"another")
        w.attempt("not the new one", os.pread, fd, 6, 0)
        w.attempt("new one", w.read, w.path("f"))


@case()
def a_large_unlinked_file_goes_on(w: World) -> None:
    with w.opened(w.file("f", b"0123456789"), os.O_RDWR) as fd:
        w.attempt("allocate", linux.fallocate, fd, 0, 0, 40 << 20)
        os.unlink(w.path("f"))
        everything_with(w, fd, "unlinked")
    with w.opened(w.file("g", b"0123456789"), os.O_RDWR) as fd:
        w.attempt("allocate", linux.fallocate, fd, 0, 0, 40 << 20)
        os.link(w.path("g"), w.path("other"))
        os.unlink(w.path("g"))
        w.attempt("the other name", lambda: os.stat(w.path("other")).st_size)


@case()
def a_replaced_file_goes_on(w: World) -> None:
    with w.opened(w.file("f", b"0123456789"), os.O_RDWR) as fd:
        os.rename(w.file("g", b"replacement"), w.path("f"))
        everything_with(w, fd, "replaced")
        w.attempt("replacement", w.read, w.path("f"))


@case()
def a_file_unlinked_under_one_of_two_names(w: World) -> None:
    path = w.file("f", b"0123456789")
    os.link(path, w.path("g"))
    with w.opened(path, os.O_RDWR) as fd:
        os.unlink(path)
        w.attempt("one link left", os.fstat, fd)
        os.write(fd, b"changed")
        w.attempt("seen by the other name", w.read, w.path("g"))
        w.look("other name", w.path("g"))
        os.unlink(w.path("g"))
        everything_with(w, fd, "none left")


@case()
def an_unlinked_file_with_two_descriptors(w: World) -> None:
    path = w.file("f", b"0123456789")
    one, two = os.open(path, os.O_RDWR), os.open(path, os.O_RDONLY)
    os.unlink(path)
    os.pwrite(one, b"ABC", 0)
    w.attempt("second sees it", os.pread, two, 10, 0)
    os.close(one)
    w.attempt("second goes on", os.pread, two, 10, 0)
    w.attempt("second stat", os.fstat, two)
    os.close(two)
    w.attempt("gone", os.stat, path)


@case()
def created_unlinked_and_used(w: World) -> None:
    """What tempfile and many databases do."""
    with w.opened(w.path("t"), RW | os.O_EXCL, 0o600) as fd:
        os.unlink(w.path("t"))
        os.write(fd, b"x" * 100_000)
        w.attempt("size", os.fstat, fd)
        w.attempt("content", os.pread, fd, 200_000, 0)
    w.attempt("nothing left", os.listdir, w.root)


@case()
def a_file_whose_directory_is_removed(w: World) -> None:
    w.directory("d")
    with w.opened(w.file("d/f", b"0123456789"), os.O_RDWR) as fd:
        os.unlink(w.path("d/f"))
        os.rmdir(w.path("d"))
        everything_with(w, fd, "orphan")


@case()
def an_unlinked_file_by_o_path_and_working_name(w: World) -> None:
    path = w.file("f", b"0123456789")
    with w.opened(path, os.O_PATH) as fd:
        os.unlink(path)
        w.attempt("stat", os.fstat, fd)
        w.attempt("open through /proc", lambda: os.close(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)))
        w.attempt("chmod through /proc", os.chmod, f"/proc/self/fd/{fd}", 0o640)
        w.attempt("truncate through /proc", os.truncate, f"/proc/self/fd/{fd}", 4)
        w.attempt("stat again", os.fstat, fd)


@case(rights=Rights.ROOT)
def a_file_handle_never_leads_to_another_file(w: World) -> None:
    found = set()
    with w.opened(w.root, os.O_RDONLY) as directory:
        for _ in range(50):
            old = w.file("old", b"old")
            handle = None
            with contextlib.suppress(OSError):  # not every filesystem has them
                handle = linux.file_handle(old)
            os.unlink(old)
            new = w.file("new", b"new")
            if handle is not None:
                with (
                    contextlib.suppress(OSError),
                    os.fdopen(linux.open_handle(directory, handle), "rb") as file,
                ):
                    found.add(file.read())
            os.unlink(new)
    w.note("another file", b"new" in found)


@case()
def opened_again_when_its_directory_is_closed(w: World) -> None:
    directory = w.directory("d")
    with w.opened(w.file("d/f", b"content"), os.O_RDWR) as fd:
        os.chmod(directory, 0)
        for label, flags in {
            "to read": os.O_RDONLY,
            "to write": os.O_RDWR,
            "to append": os.O_APPEND | os.O_WRONLY,
        }.items():
            again = w.works(f"again {label}", os.open, b"/proc/self/fd/%d" % fd, flags)
            if again is not None:
                os.close(again)
        os.fchmod(fd, 0)
        w.attempt("read by the first", os.pread, fd, 100, 0)
    os.chmod(directory, 0o755)


@case()
def a_file_that_never_had_a_name_goes_on_by_an_O_PATH_descriptor(w: World) -> None:
    fd = os.open(w.root, os.O_RDWR | os.O_TMPFILE)
    os.write(fd, b"0123456789")
    with w.opened(b"/proc/self/fd/%d" % fd, os.O_PATH) as path:
        os.close(fd)
        w.attempt("fstat", os.fstat, path)
        w.attempt("chmod", os.chmod, b"/proc/self/fd/%d" % path, 0o640)
        w.attempt("read", w.read, b"/proc/self/fd/%d" % path)
        w.attempt("link it", linux.link_descriptor, path, w.path("named"))
        w.attempt("at last", os.fstat, path)
    w.attempt("by its name", w.read, w.path("named"))
