"""What one user may do with what belongs to another: the same on the mount as on the filesystem below."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mount import linux
from tests.mount.actor import Actor, Identity, run_apart
from tests.mount.fixtures import SharedMounts, remove_tree
from tests.mount.matrix import World, attributes, differences, note_differences, portrait, run_case

pytestmark = pytest.mark.as_root

KEPT = 0.2
"""Seconds for which the kernel keeps what it knows of these mounts' files."""

OWNER, OWNERS_GROUP = 1234, 4321
USERS = {
    "root": Identity(0, 0, (0,)),
    "the owner": Identity(OWNER, 100, ()),
    "the owner in the group": Identity(OWNER, OWNERS_GROUP, (OWNERS_GROUP, 77)),
    "of the group": Identity(5555, OWNERS_GROUP, ()),
    "of the group as a supplement": Identity(5555, 100, (5, 6, OWNERS_GROUP)),
    "a stranger": Identity(65534, 65534, (65534,)),
}
FILE_MODES = (0o644, 0o600, 0o060, 0o006, 0o777, 0o4777, 0o2777, 0o6777, 0o2767, 0o6666, 0o6755, 0o000)
DIRECTORY_MODES = (0o755, 0o775, 0o777, 0o1777, 0o2777, 0o3777, 0o700, 0o070, 0o007, 0o711)


def furnish(root: Path) -> None:
    """Files and directories of the owner and of his group, made as root behind everybody's back."""
    for mode in FILE_MODES:
        for name in (f"file{mode:o}", f"second{mode:o}"):
            path = root / name
            path.write_bytes(b"content")
            os.setxattr(path, "user.x", b"1")
            os.chown(path, OWNER, OWNERS_GROUP)
            path.chmod(mode)
    for mode in DIRECTORY_MODES:
        directory = root / f"directory{mode:o}"
        directory.mkdir()
        for name, uid in (("owners", OWNER), ("roots", 0), ("strangers", 65534)):
            (directory / name).write_bytes(name.encode())
            os.chown(directory / name, uid, OWNERS_GROUP)
            (directory / f"{name}-directory").mkdir()
            os.chown(directory / f"{name}-directory", uid, OWNERS_GROUP)
        os.chown(directory, OWNER, OWNERS_GROUP)
        directory.chmod(mode)
    root.chmod(0o777)


def opened(path: bytes, flags: int, act: Callable[[int], object]) -> object:
    fd = os.open(path, flags)
    try:
        return act(fd)
    finally:
        os.close(fd)


WITH_A_FILE: dict[str, Callable[[bytes], object]] = {
    "read": lambda path: opened(path, os.O_RDONLY, lambda fd: os.read(fd, 100)),
    "write": lambda path: opened(path, os.O_WRONLY, lambda fd: os.write(fd, b"w")),
    "append": lambda path: opened(path, os.O_WRONLY | os.O_APPEND, lambda fd: os.write(fd, b"a")),
    "write nothing": lambda path: opened(path, os.O_WRONLY, lambda fd: os.write(fd, b"")),
    "shorten": lambda path: os.truncate(path, 3),
    "same size": lambda path: opened(path, os.O_WRONLY, lambda fd: os.ftruncate(fd, os.fstat(fd).st_size)),
    "empty": lambda path: opened(path, os.O_WRONLY | os.O_TRUNC, lambda fd: None),
    "allocate": lambda path: opened(path, os.O_WRONLY, lambda fd: linux.fallocate(fd, 0, 0, 5000)),
    "punch": lambda path: opened(path, os.O_WRONLY, lambda fd: linux.fallocate(fd, 3, 0, 2)),
    "chmod": lambda path: os.chmod(path, 0o6755),
    "give away": lambda path: os.chown(path, 65534, -1),
    "to another group": lambda path: os.chown(path, -1, 77),
    "to the same group": lambda path: os.chown(path, -1, OWNERS_GROUP),
    "chown of nothing": lambda path: os.chown(path, -1, -1),
    "set times": lambda path: os.utime(path, ns=(5, 6)),
    "times of now": os.utime,
    "setxattr": lambda path: os.setxattr(path, "user.x", b"2"),
    "getxattr": lambda path: os.getxattr(path, "user.x"),
    "listxattr": os.listxattr,
    "removexattr": lambda path: os.removexattr(path, "user.x"),
    "trusted": lambda path: os.setxattr(path, "trusted.x", b"2"),
    "own link": lambda path: os.link(path, path + b"-hard"),
    "immutable": lambda path: opened(path, os.O_RDONLY, lambda fd: linux.set_inode_flags(fd, 0x10)),
    "no dump": lambda path: opened(path, os.O_RDONLY, lambda fd: linux.set_inode_flags(fd, 0x40)),
    "exec": lambda path: linux.faccessat(path, os.X_OK),
    "open without moving its time": lambda path: opened(path, os.O_RDONLY | os.O_NOATIME, lambda fd: None),
}


def with_files(w: World) -> None:
    for mode in FILE_MODES:
        for label, act in WITH_A_FILE.items():
            path = w.path(f"file{mode:o}")
            w.attempt(f"{label} {mode:o}", act, path)
            w.look(f"{label} {mode:o} gives", path)
            if label in ("immutable", "no dump") and os.geteuid() == 0:
                opened(path, os.O_RDONLY, lambda fd: linux.set_inode_flags(fd, 0))
            if os.geteuid() in (0, OWNER):  # as it was, for the next
                os.chown(path, -1, OWNERS_GROUP if os.geteuid() == 0 else -1)
                os.chmod(path, mode)


IN_A_DIRECTORY: dict[str, Callable[[bytes], object]] = {
    "list": lambda path: sorted(os.listdir(path)),
    "reach": lambda path: os.stat(path + b"/roots").st_size,
    "create": lambda path: opened(path + b"/new", os.O_CREAT | os.O_EXCL | os.O_RDWR, lambda fd: None),
    "mkdir": lambda path: os.mkdir(path + b"/newdir"),
    "mkdir setgid": lambda path: os.mkdir(path + b"/setgid", 0o2755),
    "create executable setgid": lambda path: os.mknod(path + b"/node", 0o102755),
    "symlink": lambda path: os.symlink("x", path + b"/link"),
    "device": lambda path: os.mknod(path + b"/device", 0o020600, os.makedev(1, 3)),
    "whiteout": lambda path: os.mknod(path + b"/whiteout", 0o020644, 0),
    "fifo": lambda path: os.mkfifo(path + b"/fifo"),
    "link in": lambda path: os.link(os.path.dirname(path) + b"/second644", path + b"/linked"),
    "rename in": lambda path: os.rename(os.path.dirname(path) + b"/second777", path + b"/came"),
    "rename back": lambda path: os.rename(path + b"/came", os.path.dirname(path) + b"/second777"),
    "chmod setgid": lambda path: os.chmod(path, 0o2755),
    "remove it": os.rmdir,
    "rename it": lambda path: (os.rename(path, path + b"-moved"), os.rename(path + b"-moved", path)),
    **{
        f"{label} of {name}": act
        for name in (b"owners", b"roots", b"strangers")
        for label, act in {
            "rename": lambda path, name=name: os.rename(path + b"/" + name, path + b"/other-" + name),
            "rename over": lambda path, name=name: os.rename(path + b"/node", path + b"/other-" + name),
            "unlink": lambda path, name=name: os.unlink(path + b"/other-" + name),
            "move directory": lambda path, name=name: os.rename(
                path + b"/" + name + b"-directory", os.path.dirname(path) + b"/moved"
            ),
            "move directory back": lambda path, name=name: os.rename(
                os.path.dirname(path) + b"/moved", path + b"/" + name + b"-directory"
            ),
            "rmdir": lambda path, name=name: os.rmdir(path + b"/" + name + b"-directory"),
            "exchange": lambda path, name=name: linux.renameat2(
                path + b"/" + name, path + b"/roots", linux.RENAME_EXCHANGE
            ),
        }.items()
    },
}


def in_directories(w: World) -> None:
    for mode in DIRECTORY_MODES:
        path = w.path(f"directory{mode:o}")
        for label, act in IN_A_DIRECTORY.items():
            w.attempt(f"{label} {mode:o}", act, path)


@pytest.fixture(params=["passthrough", "no_passthrough"])
def places(
    session_directory: Path, shared_mounts: SharedMounts, request: pytest.FixtureRequest
) -> Iterator[tuple[Path, Path, Path]]:
    """Three furnished places: plain, below the mount, and that one seen through the mount."""
    words = ",".join(["allow_other,suid,dev", *(["no_passthrough"] * (request.param == "no_passthrough"))])
    words += f",timeout={KEPT}"
    mount = shared_mounts.get("-o", words)
    plain = session_directory / "plain"
    for place in (plain, mount.source / "furnished"):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        furnish(place)
    yield plain, mount.source / "furnished", mount.mountpoint / "furnished"
    remove_tree(plain)
    run_apart(shutil.rmtree, mount.mountpoint / "furnished")


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("work", [with_files, in_directories], ids=lambda work: work.__name__)
def test_each_user_may_do_what_he_may_below(
    user: str, work: Callable[[World], None], places: tuple[Path, Path, Path]
) -> None:
    plain, beneath, seen = places
    expected = run_apart(run_case, work, os.fsencode(plain), identity=USERS[user])
    actual = run_apart(run_case, work, os.fsencode(seen), identity=USERS[user])
    found = note_differences(expected, actual, None)
    found += differences(portrait(os.fsencode(plain)), portrait(os.fsencode(beneath)))
    time.sleep(KEPT)  # looking at it below moved access times behind the mount's back
    found += differences(attributes(os.fsencode(beneath)), run_apart(attributes, os.fsencode(seen)))
    assert not found, "\n".join(found[:30])


@pytest.mark.parametrize("options", ["allow_other", "allow_other,no_passthrough"])
def test_a_chown_of_nothing_takes_nothing_while_somebody_else_writes(
    shared_mounts: SharedMounts, options: str
) -> None:
    """But whoever was given the open file takes setuid from it by writing."""
    mount = shared_mounts.get("-o", options)
    program = mount.mountpoint / "setuid"

    def mode() -> int:
        return stat.S_IMODE(run_apart(os.stat, program).st_mode)

    run_apart(program.write_bytes, b"x")
    program.chmod(0o6755)
    given = os.open(program, os.O_RDWR)
    try:
        with pytest.raises(PermissionError):
            run_apart(os.chown, program, -1, -1, identity=USERS["a stranger"])
        with pytest.raises(PermissionError):
            run_apart(linux.chown_for_32_bits, os.fsencode(program), -1, -1, identity=USERS["a stranger"])
        assert mode() == 0o6755
        with Actor(USERS["a stranger"]) as actor:  # forked now: it has the descriptor
            actor.call(os.write, given, b"y")
        assert mode() == 0o755
    finally:
        os.close(given)
