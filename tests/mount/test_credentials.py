"""Programs whose rights are more than a user's name: each does on a mount what it does below.

A server acts for one user after the other; a service has capabilities and is not root; a container is root
over the users of its namespace.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted

Results = list[tuple[str, str]]
Do = Callable[[], object]

CHOWN, DAC_OVERRIDE, FOWNER, FSETID, MKNOD = 0, 1, 3, 4, 27
_KEEP_CAPABILITIES, _SET_DUMPABLE = 8, 4  # prctl(2)
_NEW_USER_NAMESPACE = 0x10000000
_OUTSIDE = 100_000  # the namespace's first id, as others see it

_libc = ctypes.CDLL(None, use_errno=True)


def attempt(results: Results, what: str, do: Do) -> None:
    try:
        results.append((what, str(do())))
    except OSError as error:
        results.append((what, os.strerror(error.errno or 0)))


def owners(path: Path) -> str:
    status = path.stat()
    return f"{status.st_uid}:{status.st_gid} {status.st_mode:o}"


# ---- one after the other


def act_for(uid: int, groups: Sequence[int], results: Results, what: str, do: Do) -> None:
    """Do it as a file server does what a client asks for, and be oneself again."""
    os.setgroups(groups)
    os.setegid(groups[0])
    os.seteuid(uid)
    attempt(results, what, do)
    os.seteuid(0)
    os.setegid(0)
    os.setgroups([])


def serving(top: Path) -> Results:
    results: Results = []
    for group in (2005, 2006):
        directory = top / f"of {group}"
        directory.mkdir()
        os.chown(directory, 0, group)
        directory.chmod(0o2770)
    five, six = top / "of 2005", top / "of 2006"
    act_for(1500, [1500, 2005], results, "the first one's", lambda: (five / "a").touch())
    act_for(1501, [1501, 2006], results, "the second one's", lambda: (six / "a").touch())
    act_for(1501, [1501, 2006], results, "not the second one's", lambda: (five / "b").touch())
    act_for(1501, [1501, 2005], results, "his groups changed", lambda: (five / "c").mkdir())
    act_for(1501, [1501, 2006], results, "and again", lambda: (six / "c").mkdir())
    act_for(1501, [1501, 2006], results, "not his any more", lambda: (five / "d").mkdir())
    results += [(path.name, owners(path)) for path in (five / "a", five / "c", six / "c")]
    return results


# ---- capabilities


def have_only(*capabilities: int) -> None:
    """Let these be in force."""
    header = struct.pack("Ii", 0x20080522, 0)
    mask = sum(1 << number for number in capabilities)
    assert _libc.capset(header, struct.pack("6I", mask, mask, 0, 0, 0, 0)) == 0, os.strerror(
        ctypes.get_errno()
    )


def with_capabilities(top: Path, *capabilities: int) -> Results:
    results: Results = []
    (top / "mine").mkdir()
    (top / "root's").mkdir(mode=0o700)
    (top / "root's" / "file").touch()
    os.chown(top / "mine", 1500, 1500)
    os.setgroups([])
    _libc.prctl(_KEEP_CAPABILITIES, 1, 0, 0, 0)
    os.setresgid(1500, 1500, 1500)
    os.setresuid(1500, 1500, 1500)
    have_only(*capabilities)
    mine, other = top / "mine", top / "root's"
    attempt(results, "make", lambda: (mine / "file").touch())
    attempt(results, "setgid", lambda: os.chmod(mine / "file", 0o2755))
    attempt(results, "give away", lambda: os.chown(mine / "file", 1501, 1501))
    attempt(results, "given", lambda: owners(mine / "file"))
    attempt(results, "device", lambda: os.mknod(mine / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3)))
    attempt(results, "device's", lambda: owners(mine / "device"))
    attempt(results, "whiteout", lambda: os.mknod(mine / "whiteout", stat.S_IFCHR | 0o600, 0))
    attempt(results, "whiteout's", lambda: owners(mine / "whiteout"))
    attempt(results, "mode of another's", lambda: os.chmod(other / "file", 0o604))
    attempt(results, "times of another's", lambda: os.utime(other / "file", (1, 2)))
    attempt(results, "make in another's", lambda: (other / "new").touch())
    attempt(results, "directory in another's", lambda: (other / "sub").mkdir())
    attempt(results, "rename in another's", lambda: os.rename(other / "file", other / "sub" / "file"))
    attempt(results, "cut another's", lambda: os.truncate(other / "sub" / "file", 7))
    attempt(results, "attribute of another's", lambda: os.setxattr(other / "sub" / "file", "user.a", b"b"))
    attempt(results, "remove in another's", lambda: os.unlink(other / "sub" / "file"))
    return results


def with_none(top: Path) -> Results:
    return with_capabilities(top)


def with_ownership(top: Path) -> Results:
    return with_capabilities(top, CHOWN, FOWNER, MKNOD)


def with_access(top: Path) -> Results:
    return with_capabilities(top, DAC_OVERRIDE, FSETID)


# ---- a namespace


def enter_namespace() -> None:
    """Become root of a new user namespace, whose ids somebody outside has to say."""
    there, ready = os.pipe(), os.pipe()
    if (child := os.fork()) == 0:  # it is outside
        os.read(there[0], 1)
        for kind in ("uid_map", "gid_map"):
            Path("/proc", str(os.getppid()), kind).write_text(f"0 {_OUTSIDE} 1000")
        os.write(ready[1], b"x")
        os._exit(0)
    os.setgroups([])
    os.setresgid(_OUTSIDE, _OUTSIDE, _OUTSIDE)
    os.setresuid(_OUTSIDE, _OUTSIDE, _OUTSIDE)
    assert _libc.unshare(_NEW_USER_NAMESPACE) == 0, ctypes.get_errno()
    os.write(there[1], b"x")
    os.read(ready[0], 1)
    os.waitpid(child, 0)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def entering_one_while_at_work(top: Path) -> Results:
    results: Results = []
    top.chmod(0o777)
    os.setgroups([])
    os.setresgid(1500, 1500, 1500)
    os.setresuid(1500, 1500, 1500)
    _libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0)  # or its own /proc is not its own
    (top / "shut").mkdir(mode=0)
    attempt(results, "without rights", lambda: (top / "shut" / "new").touch())
    assert _libc.unshare(_NEW_USER_NAMESPACE) == 0, ctypes.get_errno()
    Path("/proc/self/uid_map").write_text("0 1500 1")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/gid_map").write_text("0 1500 1")
    attempt(results, "make", lambda: (top / "shut" / "new").touch())
    attempt(results, "directory", lambda: (top / "shut" / "sub").mkdir(mode=0))
    attempt(results, "rename", lambda: os.rename(top / "shut" / "new", top / "shut" / "sub" / "new"))
    attempt(results, "remove", lambda: (top / "shut" / "sub" / "new").unlink())
    return results


def in_a_namespace(top: Path) -> Results:
    results: Results = []
    (top / "all").mkdir()
    (top / "all").chmod(0o777)
    (top / "mail").mkdir()
    os.chown(top / "mail", 0, 8)
    (top / "mail").chmod(0o2777)  # of a group that the namespace does not know
    (top / "outside").mkdir(mode=0o700)
    (top / "outside" / "file").touch()
    enter_namespace()
    path = top / "all"
    attempt(results, "make", lambda: (path / "file").touch())
    attempt(results, "give away", lambda: os.chown(path / "file", 5, 5))
    attempt(results, "directory", lambda: (path / "of 5").mkdir(mode=0o700))
    attempt(results, "give it away", lambda: os.chown(path / "of 5", 5, 5))
    attempt(results, "read", lambda: (path / "file").read_text())
    attempt(results, "make in his", lambda: (path / "of 5" / "new").touch())
    attempt(results, "link into his", lambda: os.link(path / "file", path / "of 5" / "link"))
    attempt(results, "rename in his", lambda: os.rename(path / "of 5" / "new", path / "of 5" / "name"))
    attempt(results, "mode of his", lambda: os.chmod(path / "file", 0o640))
    attempt(results, "to nobody known", lambda: os.chown(path / "file", 2000, 2000))
    attempt(results, "outside", lambda: (top / "outside" / "new").touch())
    foreign = top / "mail" / "x"
    attempt(results, "setgid of a foreign group", lambda: os.close(os.open(foreign, os.O_CREAT, 0o2755)))
    attempt(results, "is not had", lambda: owners(foreign))
    attempt(results, "mode with setgid", lambda: os.chmod(foreign, 0o2755))
    attempt(results, "is not had either", lambda: owners(foreign))
    os.setresuid(5, 5, 5)
    attempt(results, "as he himself", lambda: (path / "of 5" / "own").touch())
    attempt(results, "whose", lambda: owners(path / "of 5" / "own"))
    return results


@pytest.mark.as_root
@pytest.mark.parametrize(
    "work",
    [serving, with_none, with_ownership, with_access, entering_one_while_at_work, in_a_namespace],
    ids=lambda work: work.__name__,
)
def test_a_program_may_do_what_it_may_below(
    work: Callable[[Path], Results], workspace: Path, new_mount: Callable[..., Mounted]
) -> None:
    native = workspace / "native"
    native.mkdir()
    mount = new_mount("--allow-other")
    os.umask(0o022)
    for top in (native, mount.source):
        top.chmod(0o755)
    expected, actual = run_apart(work, native), run_apart(work, mount.mountpoint)
    assert len(expected) > 4
    assert actual == expected


def take_back(mountpoint: Path, source: Path) -> Results:
    """Change what the namespace had and has no more, of which the mount's kernel does not know."""
    results: Results = []
    path = mountpoint / "his"
    path.touch()
    os.chown(path, _OUTSIDE, _OUTSIDE)
    held = os.open(path, os.O_RDWR)
    os.fstat(held)
    os.chown(source / "his", 0, 0)
    enter_namespace()
    attempt(results, "mode", lambda: os.fchmod(held, 0o4755))
    attempt(results, "owner", lambda: os.fchown(held, 0, 5))
    return results


@pytest.mark.as_root
def test_a_namespace_has_no_power_over_what_was_taken_from_it(new_mount: Callable[..., Mounted]) -> None:
    mount = new_mount("--allow-other", "--timeout", "600")
    mount.source.chmod(0o755)
    results = run_apart(take_back, mount.mountpoint, mount.source)
    assert results == [("mode", os.strerror(1)), ("owner", os.strerror(1))]
    assert owners(mount.source / "his") == "0:0 100644"
