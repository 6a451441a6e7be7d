"""Root's daemon writes for everybody, and yet nobody gets what the disk keeps for root."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mount.actor import Identity, run_apart
from tests.mount.mounted import Mounted, run

NOBODY = Identity(65534, 65534, (65534,))
ROOT = Identity(0, 0, (0,))


@contextlib.contextmanager
def disk_with_a_reserve(image: Path, place: Path) -> Iterator[None]:
    """A small ext4, half of whose blocks are root's."""
    with image.open("wb") as file:
        file.truncate(24 << 20)
    assert run(["mkfs.ext4", "-q", "-m", "50", image]).returncode == 0
    assert run(["mount", "-o", "loop", image, place]).returncode == 0
    try:
        place.chmod(0o777)
        yield
    finally:
        run(["umount", "-l", place])


def fill(path: Path) -> int:
    """Write until no more fits; return how much did."""
    written = 0
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            written += file.write(b"x" * 65536)
    os.unlink(path)
    return written


@pytest.mark.as_root
@pytest.mark.parametrize("words", ["allow_other", "allow_other,no_passthrough"])
def test_blocks_that_are_kept_for_root_are_kept_from_others(words: str, workspace: Path) -> None:
    place = workspace / "place"
    (place / "source").mkdir(parents=True)
    mount = Mounted(place, ("-o", words))
    with disk_with_a_reserve(workspace / "image", mount.source):
        below = {who: run_apart(fill, mount.source / "f", identity=who) for who in (NOBODY, ROOT)}
        mount.start()
        through = {who: run_apart(fill, mount.mountpoint / "f", identity=who) for who in (NOBODY, ROOT)}
        mount.unmount()
    assert below[NOBODY] < below[ROOT]
    assert through == below
