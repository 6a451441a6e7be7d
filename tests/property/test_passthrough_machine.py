"""A mount is a plain directory: whatever is done to both, in whatever order, they stay the same."""

from __future__ import annotations

import itertools
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.mount import linux
from tests.mount.actor import Actor
from tests.mount.fixtures import SharedMounts, remove_tree
from tests.mount.matrix import attributes, differences
from tests.property import passthrough_operations as do

NAMES = [b"a", b"b", b"\xff\n", b"x" * 255]
PATHS = [*NAMES, *(parent + b"/" + name for parent in NAMES[:2] for name in NAMES[:3]), b"a/a/a", b"a/b/a"]
paths = st.sampled_from(PATHS)
slots = st.integers(0, 3)
seeds = st.integers(0, 9)
# Sizes and offsets near the borders of pages, of large requests, and beyond four gibibytes.
sizes = st.sampled_from([0, 1, 5, 511, 4095, 4096, 4097, 9000, 65_536, 131_073, 300_000])
offsets = st.sampled_from([0, 1, 100, 4095, 4096, 4097, 8192, 70_000, 131_072, 400_000])
far_sizes = st.one_of(sizes, st.just(5 << 30))
modes = st.sampled_from([0o644, 0o600, 0o755, 0o777, 0o4755, 0o2755, 0o6777, 0o640])
times = st.one_of(st.none(), st.integers(0, do.SETTABLE_BEFORE - 1))
attribute_names = st.sampled_from(["user.a", "user.b", "user." + "n" * 200, "trusted.t", "nonsense"])
attribute_values = st.sampled_from([b"", b"value", b"\0\xff", b"v" * 1000])
access = st.sampled_from([os.O_RDONLY, os.O_WRONLY, os.O_RDWR])
extra = st.sampled_from(
    [
        0,
        os.O_CREAT,
        os.O_CREAT | os.O_EXCL,
        os.O_CREAT | os.O_TRUNC,
        os.O_TRUNC,
        os.O_APPEND,
        os.O_CREAT | os.O_APPEND,
        os.O_DIRECTORY,
        os.O_NOFOLLOW,
    ]
)
allocation_modes = st.sampled_from(
    [
        0,
        linux.FALLOC_FL_KEEP_SIZE,
        linux.FALLOC_FL_PUNCH_HOLE | linux.FALLOC_FL_KEEP_SIZE,
        linux.FALLOC_FL_ZERO_RANGE,
        linux.FALLOC_FL_ZERO_RANGE | linux.FALLOC_FL_KEEP_SIZE,
    ]
)
rename_flags = st.sampled_from([0, 0, linux.RENAME_NOREPLACE, linux.RENAME_EXCHANGE])


class Passthrough(RuleBasedStateMachine):
    """The machine; the attributes are given by the test, `is_kept` if the kernel keeps what it is told."""

    native: Path
    is_kept: bool
    source: Path
    mountpoint: Path
    numbers = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        # A name is never used twice: the mount may remember what was changed behind its back.
        self.name = f"example{next(self.numbers)}"
        self.trees = [parent / self.name for parent in (self.native, self.mountpoint)]
        for parent in (self.native, self.source):
            (parent / self.name).mkdir()
        self.actors = [Actor(), Actor()]
        self.whences: tuple[int, ...] = (os.SEEK_DATA, os.SEEK_HOLE)

    def teardown(self) -> None:
        for actor in self.actors:
            actor.close()
        for parent in (self.native, self.source):
            shutil.rmtree(parent / self.name, ignore_errors=True)

    def both(self, operation: Callable[..., Any], *arguments: Any) -> None:
        """Do it here and there; results and everything observable must be the same. Bytes are paths."""
        results, views = [], []
        for actor, directory in zip(self.actors, self.trees, strict=True):
            root = os.fsencode(directory)
            real = [os.path.join(root, word.path) if isinstance(word, Below) else word for word in arguments]
            results.append(actor.call(do.outcome, operation, *real))
            views.append(actor.call(do.everything, root, self.whences))
        assert results[0] == results[1], f"natively {results[0]}, through the mount {results[1]}"
        assert not differences(views[0], views[1])
        through_mount = self.actors[1].call(attributes, os.fsencode(self.trees[1]))
        below = attributes(os.fsencode(self.source / self.name))
        if self.is_kept:  # a filesystem that allocates late may add a block of its own meanwhile
            for status in below.values():
                del status["blocks"]
        assert not differences(below, through_mount)

    @initialize()
    def furnish(self) -> None:
        """Something to begin with: most random operations need an object."""
        self.both(os.mkdir, Below(b"a"))
        self.both(do.open_slot, 0, Below(b"b"), os.O_RDWR | os.O_CREAT, 0o644)
        self.both(do.write, 0, 1, 10_000)

    # ---- descriptors

    @rule(slot=slots, path=paths, access=access, extra=extra, mode=modes)
    def open(self, slot: int, path: bytes, access: int, extra: int, mode: int) -> None:
        self.both(do.open_slot, slot, Below(path), access | extra, mode)

    @rule(slot=slots, path=paths)
    def create(self, slot: int, path: bytes) -> None:
        self.both(do.open_slot, slot, Below(path), os.O_RDWR | os.O_CREAT, 0o644)

    @rule(slot=slots)
    def close(self, slot: int) -> None:
        self.both(do.close_slot, slot)

    @rule(slot=slots, seed=seeds, length=sizes)
    def write(self, slot: int, seed: int, length: int) -> None:
        self.both(do.write, slot, seed, length)

    @rule(slot=slots, seed=seeds, length=sizes, offset=offsets)
    def write_at(self, slot: int, seed: int, length: int, offset: int) -> None:
        self.both(do.pwrite, slot, seed, length, offset)

    @rule(slot=slots, length=sizes)
    def read(self, slot: int, length: int) -> None:
        self.both(do.read, slot, length)

    @rule(slot=slots, offset=offsets, whence=st.integers(0, 4))
    def seek(self, slot: int, offset: int, whence: int) -> None:
        if whence in (os.SEEK_SET, os.SEEK_CUR, os.SEEK_END, *self.whences):
            self.both(do.seek, slot, offset, whence)

    @rule(slot=slots, size=sizes)
    def truncate_descriptor(self, slot: int, size: int) -> None:
        self.both(do.truncate_slot, slot, size)

    @rule(slot=slots, mode=allocation_modes, offset=offsets, length=sizes)
    def allocate(self, slot: int, mode: int, offset: int, length: int) -> None:
        if not mode & linux.FALLOC_FL_PUNCH_HOLE:
            # Whether allocated, unwritten blocks are data depends on what happens to be in the page cache.
            self.whences = ()
        self.both(do.allocate, slot, mode, offset, length)

    @rule(slot=slots, other=slots, length=sizes, offset=offsets, to=offsets)
    def copy_range(self, slot: int, other: int, length: int, offset: int, to: int) -> None:
        self.both(do.copy_range, slot, other, length, offset, to)

    @rule(slot=slots, mode=modes)
    def change_mode_of_descriptor(self, slot: int, mode: int) -> None:
        self.both(do.chmod_slot, slot, mode)

    @rule(slot=slots, atime=st.integers(0, 10**18), mtime=st.integers(0, 10**18))
    def set_times_of_descriptor(self, slot: int, atime: int, mtime: int) -> None:
        self.both(do.set_times_of_slot, slot, atime, mtime)

    @rule(slot=slots, name=attribute_names, value=attribute_values)
    def set_attribute_of_descriptor(self, slot: int, name: str, value: bytes) -> None:
        self.both(do.set_attribute_of_slot, slot, name, value)

    @rule(slot=slots, path=paths)
    def name_descriptor(self, slot: int, path: bytes) -> None:
        self.both(do.name_slot, slot, Below(path))

    @rule(slot=slots)
    def sync(self, slot: int) -> None:
        self.both(do.sync, slot)

    # ---- names

    @rule(path=paths, mode=modes)
    def mkdir(self, path: bytes, mode: int) -> None:
        self.both(os.mkdir, Below(path), mode | 0o700)

    @rule(path=paths)
    def rmdir(self, path: bytes) -> None:
        self.both(os.rmdir, Below(path))

    @rule(path=paths)
    def unlink(self, path: bytes) -> None:
        self.both(os.unlink, Below(path))

    @rule(path=paths, to=paths, flags=rename_flags)
    def rename(self, path: bytes, to: bytes, flags: int) -> None:
        self.both(linux.renameat2, Below(path), Below(to), flags)

    @rule(path=paths, to=paths)
    def link(self, path: bytes, to: bytes) -> None:
        self.both(do.link, Below(path), Below(to))

    @rule(text=paths, path=paths)
    def symlink(self, text: bytes, path: bytes) -> None:
        self.both(os.symlink, text, Below(path))

    @rule(path=paths, kind=st.sampled_from([stat.S_IFREG, stat.S_IFIFO]), mode=modes)
    def make_node(self, path: bytes, kind: int, mode: int) -> None:
        self.both(do.make_node, Below(path), kind | mode | 0o600)

    # ---- attributes

    @rule(path=paths, size=far_sizes)
    def truncate(self, path: bytes, size: int) -> None:
        self.both(os.truncate, Below(path), size)

    @rule(path=paths, mode=modes)
    def change_mode(self, path: bytes, mode: int) -> None:
        # An ordinary user could not look into a directory without the last of these bits.
        self.both(do.change_mode, Below(path), mode | 0o700)

    @rule(path=paths, atime=times, mtime=times)
    def set_times(self, path: bytes, atime: int | None, mtime: int | None) -> None:
        self.both(do.set_times, Below(path), atime, mtime)

    @rule(path=paths, name=attribute_names, value=attribute_values)
    def set_attribute(self, path: bytes, name: str, value: bytes) -> None:
        self.both(do.set_attribute, Below(path), name, value)

    @rule(path=paths, name=attribute_names)
    def remove_attribute(self, path: bytes, name: str) -> None:
        self.both(do.remove_attribute, Below(path), name)

    @rule(path=paths, uid=st.sampled_from([-1, 0, 1000, 65534]), gid=st.sampled_from([-1, 0, 1000]))
    def change_owner(self, path: bytes, uid: int, gid: int) -> None:
        self.both(do.change_owner, Below(path), uid, gid)


class Below:
    """A path below each of the two trees."""

    def __init__(self, path: bytes) -> None:
        self.path = path


@pytest.mark.parametrize("options", [(), ("--timeout", "3600")], ids=["usual", "kept_long"])
def test_a_mount_and_a_plain_directory_stay_the_same(
    options: tuple[str, ...], session_directory: Path, shared_mounts: SharedMounts
) -> None:
    mount = shared_mounts.get(*options)
    beside = session_directory / "machine"
    beside.mkdir()

    class Machine(Passthrough):
        native = beside
        source = mount.source
        mountpoint = mount.mountpoint
        is_kept = bool(options)

    try:
        run_state_machine_as_test(Machine, settings=settings(max_examples=30, stateful_step_count=40))
    finally:
        remove_tree(beside)
