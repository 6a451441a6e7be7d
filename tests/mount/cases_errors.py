"""Cases about what every operation says of every kind of path, and of paths that cannot be."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from tests.mount import linux
from tests.mount.matrix import World, case

LONG, TOO_LONG = b"n" * 255, b"n" * 256


def furnish(w: World) -> dict[str, bytes]:
    """One of each kind of thing a path can lead to or stumble over."""
    w.file("file", b"content")
    w.file(LONG)
    w.directory("empty")
    w.directory("full")
    w.file("full/inside")
    w.directory("closed")
    w.file("closed/inside")
    w.directory("fixed")
    w.file("fixed/inside")
    for name, target in (
        ("link", "file"),
        ("dangling", "nowhere"),
        ("dirlink", "full"),
        ("loop", "loop"),
    ):
        os.symlink(target, w.path(name))
    os.mkfifo(w.path("pipe"))
    os.chmod(w.path("closed"), 0o000)
    os.chmod(w.path("fixed"), 0o555)
    names: tuple[bytes, ...] = (
        *(b"file", b"empty", b"full", b"link", b"dangling", b"dirlink", b"loop", b"pipe", b"missing"),
        *(b"file/", b"empty/", b"link/", b"dirlink/", b"dangling/", b"missing/", b"loop/", b"pipe/"),
        *(b"file/x", b"missing/x", b"loop/x", b"dangling/x", b"pipe/x", b"link/x", b"dirlink/inside"),
        *(b"full/.", b"full/..", b"file/.", b"empty/../file", b"missing/../file", b"file/.."),
        *(b"closed/inside", b"closed/new", b"fixed/inside", b"fixed/new", b"new", b"new/"),
        *(LONG, TOO_LONG, b"missing/" + TOO_LONG, b"file/" + TOO_LONG, TOO_LONG + b"/x"),
    )
    paths = {name.decode().replace("n" * 255, "N"): w.path(name) for name in names}
    paths["nothing"] = b""
    paths["longer than a path may be"] = w.path(b"./" * 2048, b"file")
    return paths


def unfurnish(w: World) -> None:
    """Remove whatever is there, links and all."""
    for name in ("", "closed", "fixed", "full", "empty"):
        if os.path.isdir(w.path(name)) and not os.path.islink(w.path(name)):
            os.chmod(w.path(name), 0o755)
    for parent, directories, files in os.walk(w.root, topdown=False):
        for name in files + directories:
            path = os.path.join(parent, name)
            is_directory = stat.S_ISDIR(os.lstat(path).st_mode)
            (os.rmdir if is_directory else os.unlink)(path)


def close_after(flags: int) -> Callable[[bytes], None]:
    return lambda path: os.close(os.open(path, flags | os.O_NONBLOCK, 0o644))


def kind_of(path: bytes) -> str:
    return stat.filemode(os.stat(path).st_mode)


LOOKING: dict[str, Callable[[bytes], object]] = {
    "stat": kind_of,
    "lstat": lambda path: stat.filemode(os.lstat(path).st_mode),
    "readlink": os.readlink,
    "access": lambda path: linux.faccessat(path, os.R_OK),
    "listdir": lambda path: len(os.listdir(path)) > 0,
    "statvfs": lambda path: os.statvfs(path).f_namemax,
    "chdir": os.chdir,
    "open to read": close_after(os.O_RDONLY),
    "open O_PATH": close_after(os.O_PATH),
    "open O_DIRECTORY": close_after(os.O_RDONLY | os.O_DIRECTORY),
    "open O_NOFOLLOW": close_after(os.O_RDONLY | os.O_NOFOLLOW),
    "open O_DIRECTORY O_NOFOLLOW": close_after(os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW),
    "getxattr": lambda path: os.getxattr(path, "user.x"),
    "listxattr": os.listxattr,
    "execve": lambda path: os.execv(path, [b"never"]),
}
CHANGING: dict[str, Callable[[bytes], object]] = {
    "open to write": close_after(os.O_WRONLY),
    "open to truncate": close_after(os.O_WRONLY | os.O_TRUNC),
    "open to read and truncate": close_after(os.O_RDONLY | os.O_TRUNC),
    "open to append": close_after(os.O_WRONLY | os.O_APPEND),
    "create": close_after(os.O_RDWR | os.O_CREAT),
    "create exclusively": close_after(os.O_RDWR | os.O_CREAT | os.O_EXCL),
    "create a directory by open": close_after(os.O_RDONLY | os.O_CREAT | os.O_DIRECTORY),
    "truncate": lambda path: os.truncate(path, 3),
    "truncate below 0": lambda path: os.truncate(path, -1),
    "truncate beyond all": lambda path: os.truncate(path, (1 << 63) - 1),
    "chmod": lambda path: os.chmod(path, 0o640),
    "chown to what it is": lambda path: os.chown(path, -1, -1),
    "lchown to what it is": lambda path: os.lchown(path, -1, -1),
    "utimensat": lambda path: os.utime(path, ns=(1, 2)),
    "utimensat of a link": lambda path: os.utime(path, ns=(1, 2), follow_symlinks=False),
    "setxattr": lambda path: os.setxattr(path, "user.x", b"value"),
    "removexattr": lambda path: os.removexattr(path, "user.x"),
    "mkdir": os.mkdir,
    "mkfifo": os.mkfifo,
    "mknod": lambda path: os.mknod(path, 0o644 | stat.S_IFREG),
    "mknod of a socket": lambda path: os.mknod(path, 0o644 | stat.S_IFSOCK),
    "symlink": lambda path: os.symlink("target", path),
    "symlink to nothing": lambda path: os.symlink("", path),
    "symlink too long": lambda path: os.symlink("t" * 4096, path),
    "symlink of the longest": lambda path: os.symlink("t" * 4095, path),
    "rmdir": os.rmdir,
    "unlink": os.unlink,
}


def all_on(w: World, operations: dict[str, Callable[[bytes], object]], *, afresh: bool) -> None:
    """Each operation on each path; afresh: with the things made anew for each operation."""
    paths = furnish(w)
    for operation, function in operations.items():
        for label, path in paths.items():
            w.attempt(f"{operation} {label}", function, path)
        if afresh:
            os.chdir("/")
            unfurnish(w)
            furnish(w)
    os.chdir("/")
    unfurnish(w)


@case()
def looking_at_each_kind_of_path(w: World) -> None:
    all_on(w, LOOKING, afresh=False)


@case()
def changing_each_kind_of_path(w: World) -> None:
    all_on(w, CHANGING, afresh=True)


TWO_PATHS: dict[str, Callable[[bytes, bytes], object]] = {
    "link": lambda one, two: os.link(one, two, follow_symlinks=False),
    "link followed": lambda one, two: os.link(one, two, follow_symlinks=True),
    "rename": os.rename,
    "exchange": lambda one, two: linux.renameat2(one, two, linux.RENAME_EXCHANGE),
}


@case()
def operations_on_two_paths(w: World) -> None:
    """From each kind to a good place, and from a good one to each kind."""
    paths = furnish(w)
    made = {**paths, "other": w.path("other")}
    for operation, function in TWO_PATHS.items():
        for label in paths:
            for one, two in ((label, "other"), ("file", label), ("empty", label)):
                w.attempt(f"{operation} {one} {two}", function, made[one], made[two])
                if not isinstance(w.notes[-1][1], str):  # no error's name
                    unfurnish(w)
                    furnish(w)
        w.listing(f"after {operation}", w.root)
    unfurnish(w)


@case()
def operations_on_descriptors_of_other_kinds(w: World) -> None:
    furnish(w)
    for name in ("file", "full", "pipe"):
        with w.opened(w.path(name), os.O_RDONLY | os.O_NONBLOCK) as fd:
            for label, function in {
                "write": lambda fd=fd: os.write(fd, b"x"),
                "read": lambda fd=fd: os.read(fd, 5),
                "pread before the start": lambda fd=fd: os.pread(fd, 5, -1),
                "seek": lambda fd=fd: os.lseek(fd, 3, os.SEEK_SET),
                "seek before the start": lambda fd=fd: os.lseek(fd, -30, os.SEEK_SET),
                "truncate": lambda fd=fd: os.ftruncate(fd, 1),
                "allocate": lambda fd=fd: linux.fallocate(fd, 0, 0, 10),
                "fsync": lambda fd=fd: os.fsync(fd),
                "fdatasync": lambda fd=fd: os.fdatasync(fd),
                "fchmod": lambda fd=fd: os.fchmod(fd, 0o711),
                "fchdir": lambda fd=fd: os.fchdir(fd),
                "listdir": lambda fd=fd: len(os.listdir(fd)) > 0,
                "link": lambda fd=fd: linux.link_descriptor(fd, w.path("again")),
                "flags": lambda fd=fd: linux.inode_flags(fd),
                "flock": lambda fd=fd: linux.lock(fd),
                "advise": lambda fd=fd: os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED),
                "of a copy onto itself": lambda fd=fd: os.copy_file_range(fd, fd, 5, 0, 0),
            }.items():
                w.attempt(f"{label} {name}", function)
    os.chdir("/")
    unfurnish(w)
