"""Cases about names: creating, removing, renaming, linking, listing, and the errors of each."""

from __future__ import annotations

import os
import socket
import stat

from tests.mount import linux
from tests.mount.matrix import Limit, Rights, World, case

RW = os.O_RDWR | os.O_CREAT


def furnish(w: World) -> None:
    """One of each kind of thing that an operation can meet."""
    w.file("file", b"content")
    w.file("other", b"other content")
    w.directory("empty")
    w.directory("full")
    w.file(b"full/inside", b"inside")
    os.symlink("file", w.path("link"))
    os.symlink("nowhere", w.path("dangling"))
    os.symlink("full", w.path("dirlink"))
    os.symlink("loop", w.path("loop"))
    os.mkfifo(w.path("pipe"))


KINDS = (
    "file",
    "empty",
    "full",
    "link",
    "dangling",
    "dirlink",
    "loop",
    "pipe",
    "missing",
    "file/x",
    "missing/x",
)
ODD_KINDS = (
    *KINDS,
    "loop/x",
    "dirlink/inside",
    "full/..",
    "full/.",
    "empty/",
    "dirlink/",
    "file/",
    "missing/",
)


@case()
def removing_each_kind(w: World) -> None:
    furnish(w)
    for kind in ODD_KINDS:
        w.attempt(f"rmdir {kind}", os.rmdir, w.path(kind))
    for kind in ODD_KINDS:
        w.attempt(f"unlink {kind}", os.unlink, w.path(kind))
    w.listing("left", w.root)


@case()
def creating_over_each_kind(w: World) -> None:
    furnish(w)
    for kind in (*ODD_KINDS, "new", "new/"):
        w.attempt(f"mkdir {kind}", os.mkdir, w.path(kind))
        w.attempt(f"symlink {kind}", os.symlink, "target", w.path(kind))
        w.attempt(f"mkfifo {kind}", os.mkfifo, w.path(kind))
        w.attempt(f"link {kind}", os.link, w.path("other"), w.path(kind))
        w.works(
            f"create {kind}",
            lambda kind=kind: os.close(os.open(w.path(kind), RW | os.O_EXCL | os.O_NONBLOCK)),
        )
    w.listing("after", w.root)


def rename_pairs(w: World, flags: int) -> None:
    for source in KINDS:
        for target in (*KINDS, "new", "full/sub", "full/inside", "full/.."):
            os.mkdir(w.path("round"))
            sub = World(w.path("round"), w.notes)
            furnish(sub)
            w.attempt(f"{source} -> {target}", linux.renameat2, sub.path(source), sub.path(target), flags)
            w.note("names", sorted(os.listdir(sub.root)))
            w.note("names in full", os.listdir(sub.path("full")) if os.path.isdir(sub.path("full")) else None)
            for parent, directories, files in os.walk(sub.root, topdown=False):
                for name in files:
                    os.unlink(os.path.join(parent, name))
                for name in directories:
                    path = os.path.join(parent, name)
                    (os.unlink if os.path.islink(path) else os.rmdir)(path)
            os.rmdir(sub.root)


@case()
def renaming_each_kind_onto_each(w: World) -> None:
    rename_pairs(w, 0)


@case()
def renaming_without_replacing(w: World) -> None:
    rename_pairs(w, linux.RENAME_NOREPLACE)


@case()
def exchanging_each_kind_with_each(w: World) -> None:
    rename_pairs(w, linux.RENAME_EXCHANGE)


@case()
def rename_details(w: World) -> None:
    furnish(w)
    w.attempt("both flags", linux.renameat2, w.path("file"), w.path("other"), 3)
    w.attempt("unknown flag", linux.renameat2, w.path("file"), w.path("other"), 64)
    os.link(w.path("file"), w.path("hard"))
    w.attempt("onto its own hard link", os.rename, w.path("file"), w.path("hard"))
    w.look("both stay", w.path("file"))
    w.attempt("onto itself", os.rename, w.path("file"), w.path("file"))
    w.attempt("directory into itself", os.rename, w.path("full"), w.path("full/deeper"))
    w.attempt("exchange with own child", linux.renameat2, w.path("full"), w.path("full/inside"), 2)
    os.mkdir(w.path("a"))
    os.mkdir(w.path("a/b"))
    w.look("links of a directory", w.path("a"))
    w.attempt("move subdirectory out", os.rename, w.path("a/b"), w.path("b"))
    w.look("one link fewer", w.path("a"))
    w.attempt("replace an empty directory", os.rename, w.path("b"), w.path("empty"))
    w.attempt("old name", os.lstat, w.path("b"))
    w.attempt("across filesystems", os.rename, w.path("file"), b"/proc/never")
    w.listing("names", w.root)


@case(
    rights=Rights.ROOT,
    limit=Limit(
        "the kernel's fuse_rename2 refuses RENAME_WHITEOUT", {"whiteout": "EINVAL", "left behind": "ENOENT"}
    ),
)
def renaming_with_whiteout(w: World) -> None:
    w.file("file")
    w.attempt("whiteout", linux.renameat2, w.path("file"), w.path("moved"), linux.RENAME_WHITEOUT)
    for name in os.listdir(w.root):
        os.unlink(w.path(name))


@case()
def hard_links(w: World) -> None:
    furnish(w)
    w.attempt("link", os.link, w.path("file"), w.path("second"))
    w.attempt("link into directory", os.link, w.path("second"), w.path("full/third"))
    w.look("three links", w.path("file"))
    w.note("same file", os.path.samefile(w.path("file"), w.path("full/third")))
    with w.opened(w.path("second"), os.O_WRONLY | os.O_APPEND) as fd:
        os.write(fd, b" changed")
    w.attempt("seen by all", w.read, w.path("full/third"))
    os.chmod(w.path("full/third"), 0o600)
    w.look("mode by all", w.path("file"))
    os.unlink(w.path("file"))
    w.look("two links", w.path("second"))
    w.attempt("of a directory", os.link, w.path("full"), w.path("hard"))
    w.attempt("of a link", os.link, w.path("link"), w.path("linklink"), follow_symlinks=False)
    w.look("a link's link", w.path("linklink"))
    w.attempt("of a pipe", os.link, w.path("pipe"), w.path("pipe2"))
    w.attempt("of a missing one", os.link, w.path("missing"), w.path("m2"))
    w.attempt("onto another", os.link, w.path("second"), w.path("other"))
    w.attempt("across filesystems", os.link, w.path("other"), b"/proc/never")
    w.attempt("dangling followed", os.link, w.path("dangling"), w.path("d2"), follow_symlinks=True)
    with w.opened(w.path("second"), os.O_RDONLY) as fd:
        w.attempt("of a descriptor", linux.link_descriptor, fd, w.path("through descriptor"))
    w.look("three again", w.path("second"))


@case()
def symbolic_links(w: World) -> None:
    for length in (1, 255, 4000, 4095, 4096):
        w.attempt(f"target of {length}", os.symlink, b"t" * length, w.path(f"link{length}"))
    w.attempt("empty target", os.symlink, b"", w.path("none"))
    w.attempt("odd target", os.symlink, b"a\n\xff/../\\ b", w.path("odd"))
    for name in sorted(os.listdir(w.root)):
        w.attempt("read", os.readlink, w.path(name))
        w.look("stat", w.path(name))
    w.file("file")
    w.attempt("read a file", os.readlink, w.path("file"))
    w.attempt("read a directory", os.readlink, w.root)
    w.directory("d")
    w.file("d/f", b"found")
    os.symlink("d", w.path("to d"))
    os.symlink("../file", w.path("d/up"))
    os.symlink(w.path("d/f"), w.path("absolute"))
    w.attempt("through a directory link", w.read, w.path("to d/f"))
    w.attempt("upwards", w.read, w.path("to d/up"))
    w.note("absolute", w.read(w.path("absolute")))
    os.unlink(w.path("absolute"))
    for count in range(45):
        os.symlink(f"chain{count + 1}", w.path(f"chain{count}"))
    w.file("chain45", b"end")
    w.attempt("40 links", w.read, w.path("chain6"))
    w.attempt("45 links", w.read, w.path("chain0"))


@case()
def special_files(w: World) -> None:
    w.attempt("pipe", os.mkfifo, w.path("pipe"), 0o640)
    w.look("pipe stat", w.path("pipe"))
    server = socket.socket(socket.AF_UNIX)
    os.chdir(w.root)
    w.attempt("socket", server.bind, "socket")
    server.listen()
    w.look("socket stat", w.path("socket"))
    client = socket.socket(socket.AF_UNIX)
    w.attempt("connect", client.connect, "socket")
    w.attempt("mknod of a file", os.mknod, w.path("regular"), 0o604 | stat.S_IFREG)
    w.look("file stat", w.path("regular"))
    w.attempt("mknod of a directory", os.mknod, w.path("directory"), 0o700 | stat.S_IFDIR)
    w.attempt("device", os.mknod, w.path("null"), 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    if os.path.lexists(w.path("null")):
        w.look("device stat", w.path("null"))
    reader = os.open(w.path("pipe"), os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(w.path("pipe"), os.O_WRONLY | os.O_NONBLOCK)
    w.attempt("through the pipe", os.write, writer, b"through")
    w.attempt("out of the pipe", os.read, reader, 20)
    w.attempt("open the socket", os.open, w.path("socket"), os.O_RDONLY)


ODD_NAMES = (
    b"x" * 255,
    "é".encode() * 127,
    b"\xff\xfe not \xc3\x28 UTF-8 \x80",
    b"new\nline",
    b" leading and trailing ",
    b"-rf",
    b"*?[a]$(x)`y`\\",
    b"\x01\x1b[31mred\x7f",
    b"...",
    b".hidden",
    b"con:aux|nul",
    "\u202egnp.exe".encode(),
    b"x" * 256,
    b"",
)


@case()
def odd_names(w: World) -> None:
    for name in ODD_NAMES:
        path = w.path(name)
        w.attempt("mkdir", os.mkdir, path)
        w.attempt("lookup", os.lstat, path)
        w.attempt("file inside", lambda path=path: w.file(os.path.join(path, b"f"), b"inside") and None)
        w.attempt("rename", os.rename, path, w.path(b"other"))
        w.attempt("back", os.rename, w.path(b"other"), path)
        w.attempt("link", os.symlink, name, w.path(b"link to it"))
        w.attempt("read link", os.readlink, w.path(b"link to it"))
        w.attempt("through link", os.listdir, w.path(b"link to it"))
        w.attempt("xattr", os.setxattr, path, "user.name", name)
        w.attempt("away", os.unlink, w.path(b"link to it"))
    w.listing("names", w.root)


@case()
def names_that_differ_in_case_or_composition(w: World) -> None:
    for name in ("Name", "name", "NAME", "caf\u00e9", "cafe\u0301", "name ", "name."):
        w.file(name, name.encode())
    w.listing("names", w.root)
    for name in ("Name", "name", "caf\u00e9", "cafe\u0301"):
        w.attempt(name, w.read, w.path(name))


@case()
def paths_as_long_as_they_can_be(w: World) -> None:
    name = b"d" * 250
    os.chdir(w.root)
    for _ in range(20):
        os.mkdir(name)
        os.chdir(name)
    with open("deep", "wb") as file:
        file.write(b"deep down")
    w.attempt("read by short name", w.read, b"deep")
    w.attempt("getcwd", lambda: len(os.getcwdb()) > 4096)
    w.attempt("rename deep down", os.rename, "deep", "deeper")
    w.attempt("link deep down", os.link, "deeper", "deep")
    w.attempt("stat deep down", os.stat, "deep")
    w.attempt("setxattr deep down", os.setxattr, "deep", "user.x", b"1")
    w.attempt("truncate deep down", os.truncate, "deep", 4)
    w.attempt("list deep down", lambda: sorted(os.listdir(".")))
    os.chdir(w.root)
    w.attempt("whole path", os.stat, w.path(*[name] * 20, b"deep"))
    w.attempt("nearly PATH_MAX", os.stat, w.path(b"./" * ((4090 - len(w.root)) // 2), name))
    # Leave nothing that ordinary tools cannot remove.
    for _ in range(20):
        os.chdir(name)
    os.unlink("deep")
    os.unlink("deeper")
    for _ in range(20):
        os.chdir("..")
        os.rmdir(name)


@case()
def working_below_a_renamed_parent(w: World) -> None:
    os.makedirs(w.path("a/b/c"))
    file = w.file("a/b/c/f", b"content")
    with (
        w.opened(file, os.O_RDWR) as fd,
        w.opened(w.path("a/b"), os.O_RDONLY | os.O_DIRECTORY) as directory,
        w.opened(w.path("a/b/c"), os.O_PATH) as place,
    ):
        os.chdir(w.path("a/b/c"))
        os.rename(w.path("a"), w.path("moved"))
        w.attempt("write", os.write, fd, b"CONTENT")
        w.attempt("fstat", os.fstat, fd)
        w.attempt("relative stat", os.stat, "f")
        w.attempt("relative create", lambda: os.close(os.open("g", RW)))
        w.attempt("relative to a descriptor", os.stat, "c/f", dir_fd=directory)
        w.attempt("create below O_PATH", lambda: os.close(os.open("h", RW, dir_fd=place)))
        w.attempt("mkdir below descriptor", os.mkdir, "new", dir_fd=directory)
        w.note("getcwd", os.getcwdb().removeprefix(w.root))
        w.attempt("old path", os.stat, w.path("a/b/c/f"))
        os.mkdir(w.path("a"))
        w.attempt("new parent is another", os.stat, w.path("a/b"))
        os.rename(w.path("moved/b/c"), w.path("a/c"))
        w.attempt("fchmod", os.fchmod, fd, 0o600)
        w.attempt("up from the working directory", lambda: sorted(os.listdir("..")))
        w.note("getcwd again", os.getcwdb().removeprefix(w.root))
        w.attempt("read by new name", w.read, w.path("a/c/f"))
        w.attempt("remove the old", os.rename, w.path("a/c/f"), w.path("f"))
        w.attempt("unlink", os.unlink, w.path("f"))
        w.attempt("still there", os.pread, fd, 20, 0)
    os.chdir("/")


@case()
def times_that_operations_on_names_move(w: World) -> None:
    d, e = w.directory("d"), w.directory("e")
    f = w.file("d/f", b"content")
    sub = w.directory("d/sub")
    os.symlink("f", w.path("d/link"))
    where = {"d": d, "e": e}
    w.effects("create", where, lambda: w.file("d/new"))
    w.effects("create existing", {**where, "f": f}, lambda: os.close(os.open(f, RW)))
    w.effects("mkdir", where, lambda: os.mkdir(w.path("d/dir")))
    w.effects("symlink", where, lambda: os.symlink("x", w.path("d/symlink")))
    w.effects("mknod", where, lambda: os.mkfifo(w.path("d/fifo")))
    w.effects("link", {**where, "f": f}, lambda: os.link(f, w.path("e/hard")))
    w.effects("rename a file", {**where, "hard": w.path("e/hard")}, lambda: os.rename(f, w.path("e/f")))
    w.effects("rename a directory", {**where, "sub": sub}, lambda: os.rename(sub, w.path("e/sub")))
    w.effects(
        "rename onto", {**where, "hard": w.path("e/hard")}, lambda: os.rename(w.path("d/new"), w.path("e/f"))
    )
    w.effects("exchange", where, lambda: linux.renameat2(w.path("e/f"), w.path("d/dir"), 2))
    w.effects("unlink", {**where, "hard": w.path("e/hard")}, lambda: os.unlink(w.path("d/symlink")))
    w.effects("rmdir", where, lambda: os.rmdir(w.path("e/sub")))
    w.effects("failing unlink", where, lambda: os.unlink(w.path("d/missing")))
    w.effects("failing mkdir", where, lambda: os.mkdir(w.path("d/link")))
    w.effects("list", where, lambda: os.listdir(d))
    w.effects("follow", {"link": w.path("d/link")}, lambda: os.readlink(w.path("d/link")))
