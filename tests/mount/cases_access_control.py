"""Cases about who may do what: groups, setgid and sticky directories, POSIX ACLs."""

from __future__ import annotations

import os
import struct
import subprocess

from tests.mount.matrix import World, case

RW = os.O_RDWR | os.O_CREAT
USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 1, 2, 4, 8, 0x10, 0x20
NOBODY_IN_PARTICULAR = 0xFFFFFFFF
ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"


def acl(*entries: tuple[int, int, int]) -> bytes:
    """The xattr of a POSIX ACL: version 2, then (tag, permissions, id)."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def simple(
    owner: int, group: int, other: int, *named: tuple[int, int, int], mask: int | None = None
) -> bytes:
    entries = [
        (USER_OBJ, owner, NOBODY_IN_PARTICULAR),
        (GROUP_OBJ, group, NOBODY_IN_PARTICULAR),
        (OTHER, other, NOBODY_IN_PARTICULAR),
        *named,
    ]
    if mask is not None:
        entries.append((MASK, mask, NOBODY_IN_PARTICULAR))
    return acl(*sorted(entries, key=lambda entry: (entry[0], entry[2])))


def look(w: World, label: str, path: bytes) -> None:
    w.look(label, path)
    w.attempt(f"{label} access ACL", os.getxattr, path, ACCESS)
    w.attempt(f"{label} default ACL", os.getxattr, path, DEFAULT)


@case()
def setting_access_lists(w: World) -> None:
    path, directory = w.file("f", b"x", 0o640), w.directory("d")
    named = simple(6, 4, 0, (USER, 6, 1234), (GROUP, 2, 4321), mask=4)
    for place in (path, directory):
        look(w, "before", place)
        w.attempt("set", os.setxattr, place, ACCESS, named)
        look(w, "after", place)
        w.attempt("list", lambda place=place: sorted(os.listxattr(place)))
        w.attempt("chmod changes the mask", os.chmod, place, 0o671)
        look(w, "after chmod", place)
        w.attempt("equivalent to a mode", os.setxattr, place, ACCESS, simple(7, 5, 1))
        look(w, "only a mode", place)
        w.attempt("set again", os.setxattr, place, ACCESS, named)
        w.attempt("remove", os.removexattr, place, ACCESS)
        look(w, "removed", place)
        w.attempt("without a mask", os.setxattr, place, ACCESS, simple(6, 4, 0, (USER, 6, 1234)))
        w.attempt("nonsense", os.setxattr, place, ACCESS, b"nonsense")
        w.attempt("wrong version", os.setxattr, place, ACCESS, struct.pack("<I", 3))
        w.attempt("default", os.setxattr, place, DEFAULT, simple(7, 5, 5, (USER, 7, 1234), mask=7))
        look(w, "with default", place)
        w.attempt("remove default", os.removexattr, place, DEFAULT)
        w.attempt("remove default again", os.removexattr, place, DEFAULT)


@case()
def inheriting_default_access_lists(w: World) -> None:
    for mask in (0o022, 0o077, 0o000):
        directory = w.directory(f"d{mask:o}")
        wanted = simple(7, 7, 5, (USER, 7, 1234), (GROUP, 5, 4321), mask=7)
        w.attempt("default", os.setxattr, directory, DEFAULT, wanted)
        os.umask(mask)
        for mode in (0o666, 0o640, 0o777):
            name = os.path.join(directory, f"f{mode:o}".encode())
            os.close(os.open(name, RW, mode))
            look(w, f"file {mode:o} umask {mask:o}", name)
        os.mkdir(os.path.join(directory, b"sub"), 0o777)
        look(w, "directory", os.path.join(directory, b"sub"))
        os.mkdir(os.path.join(directory, b"sub/sub"), 0o700)
        look(w, "below", os.path.join(directory, b"sub/sub"))
        os.mkfifo(os.path.join(directory, b"pipe"), 0o666)
        look(w, "pipe", os.path.join(directory, b"pipe"))
        os.mknod(os.path.join(directory, b"node"), 0o660)
        look(w, "node", os.path.join(directory, b"node"))
        os.symlink("f666", os.path.join(directory, b"link"))
        w.look("link", os.path.join(directory, b"link"))


@case()
def the_programs_for_access_lists_work(w: World) -> None:
    def tool(*words: bytes | str) -> None:
        done = subprocess.run(words, capture_output=True, timeout=60, check=False)
        w.note(
            str(words[0]),
            (done.returncode, done.stdout.replace(w.root, b""), done.stderr.replace(w.root, b"")),
        )

    path, directory = w.file("f"), w.directory("d")
    tool("setfacl", "-m", "u:1234:rw,g:4321:r", path)
    tool("setfacl", "-d", "-m", "u:1234:rwx", directory)
    w.file("d/inherits")
    tool("getfacl", "-pn", path)
    tool("getfacl", "-pn", directory)
    tool("getfacl", "-pn", w.path("d/inherits"))
    tool("cp", "-a", path, w.path("copy"))
    tool("getfacl", "-pn", w.path("copy"))
    tool("setfacl", "-b", path)
    tool("getfacl", "-pn", path)
    tool("chmod", "g=", directory)
    tool("getfacl", "-pn", directory)


@case()
def an_access_list_that_denies_its_owner(w: World) -> None:
    path = w.file("f", b"secret", 0o640)
    os.setxattr(path, ACCESS, simple(0, 6, 6, (USER, 7, os.geteuid()), mask=7))
    w.works("owner entry comes first", lambda: os.close(os.open(path, os.O_RDONLY)))
    w.note("access", os.access(path, os.R_OK))


@case()
def setgid_directories(w: World) -> None:
    groups = [group for group in os.getgroups() if group != os.getegid()] or [os.getegid()]
    directory = w.directory("d")
    w.attempt("to another group of mine", os.chown, directory, -1, groups[0])
    w.attempt("setgid", os.chmod, directory, 0o2775)
    w.look("directory", directory)
    for mode in (0o664, 0o2775, 0o2664, 0o6777):
        os.close(os.open(w.path(f"d/f{mode:o}"), RW, mode))
        w.look(f"file {mode:o}", w.path(f"d/f{mode:o}"))
        os.mkdir(w.path(f"d/d{mode:o}"), mode)
        w.look(f"directory {mode:o}", w.path(f"d/d{mode:o}"))
    os.mkfifo(w.path("d/pipe"))
    w.look("pipe", w.path("d/pipe"))
    os.mknod(w.path("d/node"), 0o644)
    w.look("node", w.path("d/node"))
    os.symlink("x", w.path("d/link"))
    w.look("link", w.path("d/link"))
    w.file("outside")
    os.rename(w.path("outside"), w.path("d/moved"))
    w.look("moved in", w.path("d/moved"))


@case()
def sticky_directory_of_ones_own(w: World) -> None:
    directory = w.directory("d", 0o1777)
    w.file("d/f")
    w.attempt("rename", os.rename, w.path("d/f"), w.path("d/g"))
    w.attempt("unlink", os.unlink, w.path("d/g"))
    w.look("directory", directory)


@case()
def setting_group_bits_outside_ones_groups(w: World) -> None:
    path = w.file("f", b"", 0o755)
    if os.geteuid() == 0:
        os.chown(path, -1, 4321)
    w.attempt("setgid", os.chmod, path, 0o2755)
    w.look("file", path)
