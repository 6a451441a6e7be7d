"""What is changed in the source behind the mount's back shows within the timeout, and is never mixed up."""

from __future__ import annotations

import mmap
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mount.actor import Actor, run_apart
from tests.mount.matrix import attributes, differences, portrait
from tests.mount.mounted import Mounted, run

PAST_THE_DEFAULT = 1.1  # seconds
OLD, NEW = b"old." * 5000, b"new." * 5000


def in_place(path: Path, content: bytes) -> None:
    """Overwrite a file without making another."""
    with open(path, "r+b") as file:
        file.write(content)
        file.truncate()


def keep_times(path: Path, change: Callable[[], object]) -> None:
    """Change a file and set its times back, as some tools do: only its change time tells."""
    before = path.stat()
    change()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: Path, content: bytes) -> None:
    other = path.with_name("other")
    other.write_bytes(content)
    other.rename(path)


def make_again(path: Path, content: bytes) -> None:
    """Remove and make again: often with the same inode number."""
    path.unlink()
    path.write_bytes(content)


def to_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").write_text("x")


def swap(path: Path) -> None:
    """Exchange a file with its neighbour."""
    neighbour, aside = path.with_name("neighbour"), path.with_name("aside")
    path.rename(aside)
    neighbour.rename(path)
    aside.rename(neighbour)


CHANGES: dict[str, Callable[[Path], object]] = {
    "longer": lambda path: in_place(path, NEW + b"!"),
    "shorter": lambda path: in_place(path, NEW[:100]),
    "empty": lambda path: os.truncate(path, 0),
    "same size": lambda path: in_place(path, NEW),
    "same size and times": lambda path: keep_times(path, lambda: in_place(path, NEW)),
    "times": lambda path: os.utime(path, ns=(1_000_000_001, 2_000_000_002)),
    "mode": lambda path: path.chmod(0o640),
    "attribute": lambda path: os.setxattr(path, "user.x", b"1"),
    "removed": os.unlink,
    "replaced": lambda path: replace(path, NEW),
    "replaced by the same size and times": lambda path: keep_times(path, lambda: replace(path, NEW)),
    "made again": lambda path: make_again(path, NEW),
    "a directory now": to_directory,
    "a link now": lambda path: (path.unlink(), path.symlink_to("neighbour")),
    "moved": lambda path: path.rename(path.with_name("moved")),
    "exchanged": swap,
    "linked": lambda path: os.link(path, path.with_name("hard")),
    "new beside it": lambda path: path.with_name("new").write_bytes(NEW),
    "its directory moved": lambda path: path.parent.rename(path.parent.with_name("elsewhere")),
    "its directory removed": lambda path: shutil.rmtree(path.parent),
    "its directory made again": lambda path: (
        shutil.rmtree(path.parent),
        path.parent.mkdir(),
        path.write_bytes(NEW),
    ),
}


def prepare(source: Path) -> list[Path]:
    files = []
    for name in CHANGES:
        directory = source / name
        directory.mkdir()
        (directory / "file").write_bytes(OLD)
        (directory / "neighbour").write_bytes(b"neighbour")
        files.append(directory / "file")
    return files


def look(root: Path) -> None:
    """Have the kernel know everything: names, names that are not there, attributes, listings, content."""
    for name in CHANGES:
        for missing in ("new", "hard", "moved", "inside"):
            assert not (root / name / missing).exists()
        assert (root / name / "file").read_bytes() == OLD
    portrait(os.fsencode(root))


MOUNTS = {
    "default": ((), PAST_THE_DEFAULT),
    "timeout 0": (("--timeout", "0"), 0.0),
    "default without passthrough": (("--no-passthrough",), PAST_THE_DEFAULT),
    "timeout 0 without passthrough": (("--timeout", "0", "--no-passthrough"), 0.0),
}

# An ordinary user's mount has no passthrough anyway.
KINDS = [pytest.param(kind, marks=[pytest.mark.as_root] if "without" in kind else []) for kind in MOUNTS]


@pytest.mark.parametrize("kind", KINDS)
def test_changes_behind_the_mount_show_within_the_timeout(
    kind: str, new_mount: Callable[..., Mounted]
) -> None:
    options, wait = MOUNTS[kind]
    mount = new_mount(*options)
    files = prepare(mount.source)
    run_apart(look, mount.mountpoint)
    for path, change in zip(files, CHANGES.values(), strict=True):
        change(path)
    time.sleep(wait)
    # Contents before attributes: reading must not need somebody who looks at the attributes first.
    seen = run_apart(portrait, os.fsencode(mount.mountpoint))
    found = differences(portrait(os.fsencode(mount.source)), seen)
    through = run_apart(attributes, os.fsencode(mount.mountpoint))
    found += differences(attributes(os.fsencode(mount.source)), through)
    assert not found, "\n".join(found)


def opened(path: Path) -> int:
    fd = os.open(path, os.O_RDONLY)
    os.pread(fd, 4096, 0)  # the beginning is in the kernel's cache, the rest is not
    return fd


@pytest.mark.parametrize("kind", KINDS)
def test_an_open_file_is_the_one_that_was_opened(kind: str, new_mount: Callable[..., Mounted]) -> None:
    """Replaced, removed or made again behind the back: who has it open goes on with the old one, whole."""
    options, wait = MOUNTS[kind]
    mount = new_mount(*options)
    acts = {"replaced": replace, "made again": make_again, "removed": lambda path, _: path.unlink()}
    with Actor() as actor:
        descriptors = {}
        for name in acts:
            (mount.source / name).write_bytes(OLD)
            descriptors[name] = actor.call(opened, mount.mountpoint / name)
        for name, act in acts.items():
            act(mount.source / name, NEW)
        for pause in (0.0, wait):
            time.sleep(pause)
            for name, fd in descriptors.items():
                assert actor.call(os.pread, fd, 2 * len(OLD), 0) == OLD, f"{name} after {pause} s"
        for name in ("replaced", "made again"):
            assert run_apart((mount.mountpoint / name).read_bytes) == NEW
        with pytest.raises(FileNotFoundError):
            run_apart((mount.mountpoint / "removed").read_bytes)


@pytest.mark.parametrize("kind", KINDS)
def test_an_open_file_that_is_changed_is_new_throughout(kind: str, new_mount: Callable[..., Mounted]) -> None:
    options, wait = MOUNTS[kind]
    mount = new_mount(*options)
    results = {"changed": NEW, "longer": NEW + NEW, "shorter": NEW[:10], "empty": b""}
    with Actor() as actor:
        descriptors = {}
        for name in results:
            (mount.source / name).write_bytes(OLD)
            descriptors[name] = actor.call(opened, mount.mountpoint / name)
        for name, content in results.items():
            in_place(mount.source / name, content)
        time.sleep(wait)
        for name, content in results.items():
            assert actor.call(os.pread, descriptors[name], 4 * len(OLD), 0) == content, name
            assert actor.call(os.lseek, descriptors[name], 0, os.SEEK_END) == len(content), name


def test_a_log_that_grows_behind_the_mount_can_be_followed(new_mount: Callable[..., Mounted]) -> None:
    """As tail -f does: what was read once is never read again, nothing is left out."""
    mount = new_mount("--timeout", "0", "--no-passthrough")
    log = mount.source / "log"
    log.touch()
    text = b""
    with Actor() as actor:
        fd = actor.call(opened, mount.mountpoint / "log")
        for number in range(100):
            with open(log, "ab") as file:
                file.write(b"line %d\n" % number)
            text += actor.call(os.read, fd, 10_000)
    assert text == log.read_bytes()


def test_a_mount_in_place_is_right_about_what_is_done_through_it(new_mount: Callable[..., Mounted]) -> None:
    """The kernel keeps what it knows for an hour there; what programs do must show at once all the same."""
    mount = new_mount(in_place=True)
    root = mount.mountpoint
    run_apart(prepare, root)
    run_apart(look, root)
    with Actor() as one, Actor() as two:
        for name in CHANGES:
            one.call(change_one, root, name)
            one_sees = one.call(portrait, os.fsencode(root))
            assert two.call(portrait, os.fsencode(root)) == one_sees, name
        mine = one.call(portrait, os.fsencode(root))
    mount.unmount()
    assert not differences(portrait(os.fsencode(root)), mine)


def change_one(root: Path, name: str) -> None:
    CHANGES[name](root / name / "file")


def write_by_a_map(path: Path) -> tuple[str, str]:
    """What a program that asks for nothing else is told of the modification time, before and after."""
    path.write_bytes(OLD)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as area:
        area[0]
        time.sleep(0.02)  # the kernel's clock for files ticks every few milliseconds
        path.stat()
        before = modified(path)
        area[:3] = b"new"
    return before, modified(path)


def write_by_a_map_alone(path: Path) -> tuple[str, str]:
    """As above, by a map whose file was closed before."""
    path.write_bytes(OLD)
    with open(path, "r+b") as file:
        area = mmap.mmap(file.fileno(), 0)
    for number in os.listdir("/proc/self/fd"):  # the map has a descriptor of its own in Python
        name = f"/proc/self/fd/{number}"
        if os.path.exists(name) and os.path.samefile(name, path):
            os.close(int(number))
    before = modified(path)
    time.sleep(0.02)
    area[:3] = b"new"
    area.flush()
    time.sleep(1.1)  # for which the kernel may keep what it was told
    return before, modified(path)


def modified(path: Path) -> str:
    return run(["stat", "--format", "%.Y", path]).stdout


@pytest.mark.parametrize("in_place", [False, True], ids=["elsewhere", "in place"])
def test_a_file_that_was_written_by_a_map_is_newer_once_it_is_closed(
    in_place: bool, new_mount: Callable[..., Mounted], tmp_path: Path
) -> None:
    natively, then = run_apart(write_by_a_map, tmp_path / "file")
    mount = new_mount(in_place=in_place)
    for number in range(3):  # reading moves the access time only once, and all times are asked for then
        before, after = run_apart(write_by_a_map, mount.mountpoint / str(number % 2))
        assert (after > before) == (then > natively)  # not so on a tmpfs


@pytest.mark.parametrize("in_place", [False, True], ids=["elsewhere", "in place"])
def test_a_map_that_is_written_after_its_file_was_closed_makes_the_file_newer(
    in_place: bool, new_mount: Callable[..., Mounted], tmp_path: Path
) -> None:
    natively, then = run_apart(write_by_a_map_alone, tmp_path / "file")
    before, after = run_apart(write_by_a_map_alone, new_mount(in_place=in_place).mountpoint / "file")
    assert (after > before) == (then > natively)  # not so on a tmpfs
