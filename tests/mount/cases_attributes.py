"""Cases about attributes: modes, owners, times, extended attributes, the filesystem's own figures."""

from __future__ import annotations

import os
import time

from tests.mount import linux
from tests.mount.matrix import Limit, Rights, World, case

RW = os.O_RDWR | os.O_CREAT
NOW, OMIT = linux.UTIME_NOW, linux.UTIME_OMIT


@case()
def modes(w: World) -> None:
    path, directory = w.file("f"), w.directory("d")
    os.symlink("f", w.path("link"))
    for mode in (0o000, 0o777, 0o644, 0o4755, 0o2755, 0o6711, 0o1777, 0o7777, 0o600):
        w.attempt(f"chmod {mode:o}", os.chmod, path, mode)
        w.look(f"file {mode:o}", path)
        w.attempt(f"chmod directory {mode:o}", os.chmod, directory, mode)
        w.look(f"directory {mode:o}", directory)
    with w.opened(path, os.O_RDONLY) as fd:
        w.attempt("fchmod", os.fchmod, fd, 0o640)
        w.attempt("fstat", os.fstat, fd)
    w.attempt("through a link", os.chmod, w.path("link"), 0o604)
    w.look("link", w.path("link"))
    w.look("file", path)
    w.attempt("missing", os.chmod, w.path("missing"), 0o600)
    with w.opened(path, os.O_PATH) as fd:
        w.attempt("fchmod of O_PATH", os.fchmod, fd, 0o640)
        w.attempt("through /proc", os.chmod, f"/proc/self/fd/{fd}", 0o611)
    w.look("changed through /proc", path)


@case()
def changing_owners_to_what_they_are(w: World) -> None:
    path = w.file("f", mode=0o6755)
    for uid, gid in ((-1, -1), (os.geteuid(), -1), (-1, os.getegid()), (os.geteuid(), os.getegid())):
        os.chmod(path, 0o6755)
        w.attempt(f"chown {uid == -1} {gid == -1}", os.chown, path, uid, gid)
        w.look("mode", path)
    directory = w.directory("d", 0o6755)
    w.attempt("directory", os.chown, directory, os.geteuid(), os.getegid())
    w.look("directory keeps its bits", directory)


@case()
def changing_owners_without_the_right(w: World) -> None:
    path = w.file("f")
    if os.geteuid() != 0:
        for uid, gid in ((0, -1), (-1, 0), (12345, -1), (-1, 12345)):
            w.attempt(f"chown {uid} {gid}", os.chown, path, uid, gid)
        w.look("stays", path)


@case(rights=Rights.ROOT)
def changing_owners_as_root(w: World) -> None:
    path, directory = w.file("f", mode=0o6755), w.directory("d", 0o6755)
    os.symlink("f", w.path("link"))
    w.attempt("uid", os.chown, path, 1234, -1)
    w.look("only the uid; setuid and setgid are gone", path)
    os.chmod(path, 0o6745)
    w.attempt("gid", os.chown, path, -1, 4321)
    w.look("only the gid; setgid without group execution is a lock mark and stays", path)
    os.chmod(path, 0o2745)
    w.attempt("both", os.chown, path, 0, 0)
    w.look("both", path)
    w.attempt("link", os.lchown, w.path("link"), 55, 66)
    w.look("link", w.path("link"))
    w.attempt("through link", os.chown, w.path("link"), 77, 88)
    w.look("file", path)
    w.attempt("directory", os.chown, directory, 99, 100)
    w.look("directory", directory)
    w.attempt("large", os.chown, path, 4_000_000_000, 4_000_000_001)
    w.look("large", path)
    with w.opened(path, os.O_RDONLY) as fd:
        w.attempt("fchown", os.fchown, fd, 5, 6)
        w.attempt("fstat", os.fstat, fd)
    w.effects("chown", {"file": path}, lambda: os.chown(path, 9, 9))


def times(w: World, label: str, path: bytes, since: float) -> None:
    """Note times to the nanosecond where they were set, or that they are of just now."""
    status = os.lstat(path)
    for name, value in (("atime", status.st_atime_ns), ("mtime", status.st_mtime_ns)):
        w.note(f"{label} {name}", "now" if since - 0.1 <= value / 1e9 <= time.time() + 1 else value)


@case()
def setting_times(w: World) -> None:
    path, directory = w.file("f"), w.directory("d")
    os.symlink("f", w.path("link"))
    since = time.time()
    for label, atime, mtime in (
        ("set", (1_111_111_111, 123_456_789), (1_222_222_222, 987_654_321)),
        ("omit atime", (0, OMIT), (1_333_333_333, 1)),
        ("omit mtime", (1_444_444_444, 999_999_999), (0, OMIT)),
        ("omit both", (0, OMIT), (0, OMIT)),
        ("now and set", (0, NOW), (5, 5)),
        ("set and now", (7, 7), (0, NOW)),
        ("now and omit", (0, NOW), (0, OMIT)),
        ("zero", (0, 0), (0, 0)),
        ("before 1970", (-1, 5), (-1_000_000, 999_999_999)),
        ("after 2038", (1 << 32, 1), ((1 << 33) + 5, 2)),
        ("past the end of time", (1 << 40, 0), (-(1 << 40), 0)),
        ("bad nanoseconds", (0, 1_000_000_000), (0, 0)),
    ):
        w.attempt(label, linux.utimensat, path, atime, mtime)
        times(w, label, path, since)
    w.attempt("directory", linux.utimensat, directory, (1, 2), (3, 4))
    times(w, "directory", directory, since)
    w.attempt("link itself", linux.utimensat, w.path("link"), (5, 6), (7, 8), linux.AT_SYMLINK_NOFOLLOW)
    times(w, "link", w.path("link"), since)
    w.attempt("missing", linux.utimensat, w.path("missing"), (5, 6), (7, 8))
    with w.opened(path, os.O_RDONLY) as fd:
        w.attempt("futimens", os.utime, fd, ns=(9_000_000_001, 9_000_000_002))
        times(w, "futimens", path, since)
        w.attempt("futimens now", os.utime, fd)
        times(w, "futimens now", path, since)
    w.effects("utimensat", {"file": path}, lambda: linux.utimensat(path, (0, OMIT), (5, 5)))
    w.effects("omit both", {"file": path}, lambda: linux.utimensat(path, (0, OMIT), (0, OMIT)))
    w.effects("chmod", {"file": path, "parent": w.root}, lambda: os.chmod(path, 0o600))
    w.effects("xattr", {"file": path}, lambda: os.setxattr(path, "user.a", b"1"))


@case()
def set_times_survive_writing_and_closing(w: World) -> None:
    """What cp -p, tar and rsync rely on: a write before must not move the time that is set after it."""
    with w.opened(w.path("f"), RW) as fd:
        os.write(fd, b"content")
        os.utime(fd, ns=(1_000_000_001, 1_000_000_002))
        w.note("while open", os.fstat(fd).st_mtime_ns)
    w.note("after close", os.stat(w.path("f")).st_mtime_ns)
    time.sleep(0.05)
    w.note("later", os.stat(w.path("f")).st_mtime_ns)


@case()
def extended_attributes(w: World) -> None:
    path, directory = w.file("f"), w.directory("d")
    os.symlink("f", w.path("link"))
    os.mkfifo(w.path("pipe"))
    for place in (path, directory):
        w.attempt("set", os.setxattr, place, "user.one", b"1\0\xff")
        w.attempt("empty", os.setxattr, place, "user.empty", b"")
        w.attempt("get", os.getxattr, place, "user.one")
        w.attempt("get empty", os.getxattr, place, "user.empty")
        w.attempt("create existing", os.setxattr, place, "user.one", b"2", os.XATTR_CREATE)
        w.attempt("replace", os.setxattr, place, "user.one", b"22", os.XATTR_REPLACE)
        w.attempt("replace missing", os.setxattr, place, "user.two", b"2", os.XATTR_REPLACE)
        w.attempt("create", os.setxattr, place, "user.two", b"2", os.XATTR_CREATE)
        w.attempt("list", lambda place=place: sorted(os.listxattr(place)))
        w.attempt("remove", os.removexattr, place, "user.two")
        w.attempt("remove again", os.removexattr, place, "user.two")
        w.attempt("get removed", os.getxattr, place, "user.two")
        w.attempt("odd name", os.setxattr, place, b"user.\xff\xc3\x28 x", b"odd")
        w.attempt("longest name", os.setxattr, place, b"user." + b"n" * 250, b"long")
        w.attempt("too long", os.setxattr, place, b"user." + b"n" * 251, b"long")
        w.attempt("no name", os.setxattr, place, b"user.", b"x")
        w.attempt("nothing", os.setxattr, place, b"", b"x")
        for size in (100, 2000, 3900, 60_000, 65_536, 65_537):
            w.attempt(f"size {size}", os.setxattr, place, "user.large", b"v" * size)
            w.attempt(f"got {size}", os.getxattr, place, "user.large")
        w.attempt("list all", lambda place=place: sorted(os.listxattr(place)))
        for namespace in ("nonsense.x", "trusted.x", "security.x", "system.x", "system.posix_acl_nothing"):
            w.attempt(f"set {namespace}", os.setxattr, place, namespace, b"value")
            w.attempt(f"get {namespace}", os.getxattr, place, namespace)
            w.attempt(f"remove {namespace}", os.removexattr, place, namespace)
    for name in ("link", "pipe"):
        w.attempt(f"set on {name}", os.setxattr, w.path(name), "user.x", b"1", follow_symlinks=False)
        w.attempt(f"get on {name}", os.getxattr, w.path(name), "user.x", follow_symlinks=False)
        w.attempt(f"list on {name}", os.listxattr, w.path(name), follow_symlinks=False)
        w.attempt(f"trusted on {name}", os.setxattr, w.path(name), "trusted.x", b"1", follow_symlinks=False)
        w.attempt(f"list {name} again", os.listxattr, w.path(name), follow_symlinks=False)
    with w.opened(path, os.O_RDONLY) as fd:
        w.attempt("fsetxattr", os.setxattr, fd, "user.fd", b"fd")
        w.attempt("fgetxattr", os.getxattr, fd, "user.fd")
        w.attempt("flistxattr", lambda: sorted(os.listxattr(fd)))
        w.attempt("fremovexattr", os.removexattr, fd, "user.fd")
    os.chmod(path, 0o444)
    w.attempt("set on read-only", os.setxattr, path, "user.ro", b"1")
    os.chmod(path, 0o000)
    w.attempt("get without right", os.getxattr, path, "user.one")
    w.attempt("list without right", lambda: sorted(os.listxattr(path)))
    os.chmod(path, 0o600)


@case()
def asking_for_access(w: World) -> None:
    for mode in (0o000, 0o111, 0o222, 0o444, 0o644, 0o755, 0o070, 0o007):
        path = w.file(f"f{mode:o}", b"x", mode)
        directory = w.directory(f"d{mode:o}", mode)
        for place in (path, directory):
            asked = {"exists": os.F_OK, "r": os.R_OK, "w": os.W_OK, "x": os.X_OK, "rwx": 7}
            w.note(f"{mode:o}", {label: os.access(place, bits) for label, bits in asked.items()})
        w.note(f"{mode:o} effective", os.access(path, os.W_OK, effective_ids=True))
        os.chmod(directory, 0o755)
    w.note("missing", os.access(w.path("missing"), os.F_OK))
    w.note("below a file", os.access(w.path("f644/x"), os.F_OK))


@case(
    limit=Limit(
        "what may be executed but not read cannot be opened by a daemon with its user's own rights",
        {"execute 100": "EACCES"},
    )
)
def opening_without_the_right(w: World) -> None:
    for mode in (0o000, 0o100, 0o200, 0o400, 0o600, 0o070, 0o007):
        path = w.file(f"f{mode:o}", b"content", mode)
        for label, flags in (("r", os.O_RDONLY), ("w", os.O_WRONLY), ("rw", os.O_RDWR), ("t", os.O_TRUNC)):
            w.works(f"{label} {mode:o}", lambda p=path, f=flags: os.close(os.open(p, f)))
        w.attempt(f"truncate {mode:o}", os.truncate, path, 3)
        w.attempt(f"utime {mode:o}", os.utime, path)
        w.attempt(f"execute {mode:o}", os.execv, path, [path])
        os.chmod(path, 0o600)


@case()
def creating_with_each_mode_and_umask(w: World) -> None:
    for mask in (0o000, 0o022, 0o077, 0o777):
        os.umask(mask)
        for mode in (0o000, 0o200, 0o444, 0o666, 0o777, 0o4755, 0o2755, 0o1777):
            name = f"{mask:o}-{mode:o}"
            descriptor = os.open(w.path(name), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
            w.attempt(f"file {name}", os.fstat, descriptor)
            w.attempt("write whatever the mode", os.write, descriptor, b"x")
            os.close(descriptor)
            os.mkdir(w.path("d" + name), mode)
            w.look(f"directory {name}", w.path("d" + name))
            os.mkfifo(w.path("p" + name), mode & 0o777)
            w.look(f"pipe {name}", w.path("p" + name))
            w.attempt("mknod", os.mknod, w.path("n" + name), mode)
            w.look(f"mknod {name}", w.path("n" + name))
            os.chmod(w.path("d" + name), 0o700)


@case()
def setuid_goes_when_content_changes(w: World) -> None:
    """For root it stays, as on any filesystem."""

    def through(flags: int, act: str) -> None:
        path = w.file(f"f{act}", b"content", 0o6755)
        os.chmod(path, 0o6755)
        w.look(f"before {act}", path)
        with w.opened(path, flags) as fd:
            if act == "write":
                os.write(fd, b"x")
            elif act == "ftruncate":
                os.ftruncate(fd, 2)
            elif act == "fallocate":
                linux.fallocate(fd, 0, 0, 10_000)
            elif act == "punch":
                linux.fallocate(fd, 3, 0, 4)
            w.attempt(f"fstat {act}", os.fstat, fd)
        if act == "truncate":
            os.truncate(path, 2)
        w.look(f"after {act}", path)

    for act in ("write", "ftruncate", "fallocate", "punch"):
        through(os.O_RDWR, act)
    through(os.O_RDONLY, "nothing")
    through(os.O_RDONLY, "truncate")
    through(os.O_RDWR | os.O_TRUNC, "O_TRUNC")


@case()
def setgid_without_group_execution_stays_or_goes(w: World) -> None:
    path = w.file("f", b"content", 0o2745)
    os.chmod(path, 0o2745)
    w.look("before", path)
    with w.opened(path, os.O_RDWR) as fd:
        os.write(fd, b"x")
    w.look("after write", path)
    os.truncate(path, 1)
    w.look("after truncate", path)
    mixed = w.file("g", b"content", 0o2767)
    os.chmod(mixed, 0o2767)
    with w.opened(mixed, os.O_RDWR) as fd:
        os.write(fd, b"x")
    w.look("02767 after write", mixed)


@case(rights=Rights.ROOT)
def file_capabilities_go_when_content_changes(w: World) -> None:
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    for act in ("write", "truncate", "O_TRUNC", "chown", "read"):
        path = w.file(act, b"content", 0o755)
        w.attempt(f"set {act}", os.setxattr, path, "security.capability", capability)
        w.attempt(f"get {act}", os.getxattr, path, "security.capability")
        flags = os.O_RDWR | (os.O_TRUNC if act == "O_TRUNC" else 0)
        with w.opened(path, flags) as fd:
            if act == "write":
                os.write(fd, b"x")
            elif act == "read":
                os.read(fd, 1)
        if act == "truncate":
            os.truncate(path, 1)
        elif act == "chown":
            os.chown(path, 1000, 1000)
        w.attempt(f"after {act}", os.getxattr, path, "security.capability")


@case()
def figures_of_the_filesystem(w: World) -> None:
    figures = os.statvfs(w.root)
    w.note("sizes", [figures.f_bsize, figures.f_frsize, figures.f_blocks, figures.f_files, figures.f_namemax])
    with w.opened(w.file("f"), os.O_RDONLY) as fd:
        w.note("the same through a descriptor", os.fstatvfs(fd).f_blocks == figures.f_blocks)
    w.note("free", figures.f_bfree > 0 and figures.f_ffree > 0)
    w.attempt("of a missing one", os.statvfs, w.path("missing"))
    w.note("longest name", os.pathconf(w.root, "PC_NAME_MAX"))
    w.note("longest path", os.pathconf(w.root, "PC_PATH_MAX"))


@case()
def attributes_hang_together(w: World) -> None:
    path = w.file("f", b"x" * 10_000)
    os.link(path, w.path("g"))
    other = w.file("other")
    w.note("one inode", os.stat(path).st_ino == os.stat(w.path("g")).st_ino)
    w.note("another inode", os.stat(path).st_ino != os.stat(other).st_ino)
    w.note("one device", os.stat(path).st_dev == os.stat(w.root).st_dev)
    before = os.stat(path).st_ino
    os.rename(path, w.path("renamed"))
    w.note("inode kept by rename", os.stat(w.path("renamed")).st_ino == before)
    with w.opened(w.path("g"), os.O_RDONLY) as fd:
        w.note("inode of the descriptor", os.fstat(fd).st_ino == before)
    w.note("blocks", os.stat(w.path("g")).st_blocks)
    w.note("block size", os.stat(w.path("g")).st_blksize)
