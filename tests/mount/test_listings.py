"""How directories of the virtual tree are read: in any way in which programs do that, with few questions."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted, wait_until
from tests.mount.recorded import shell, wait_for


@pytest.fixture
def listing(mount: Mounted) -> tuple[Path, set[str]]:
    """A directory of the tree, and the names in it."""
    for number in range(6):
        (mount.source / f"{number}.txt").write_text("x")
    shell("cat 0.txt 1.txt 2.txt 3.txt 4.txt 5.txt > all", mount)
    wait_for(mount, "write", "all")
    directory = mount.mountpoint / ".mycelial" / "sources" / "all"
    wait_until(lambda: len(run_apart(os.listdir, directory)) == 6, what="six sources")
    return directory, set(run_apart(os.listdir, directory))


def _look_closely(directory: Path) -> dict[str, str]:
    """What `ls -l` asks for."""
    return {
        name: os.readlink(directory / name) for name in os.listdir(directory) if os.lstat(directory / name)
    }


def test_looking_closely_takes_no_look_up_of_each_link(
    mount: Mounted, listing: tuple[Path, set[str]]
) -> None:
    directory, names = listing
    ways_there = 3  # .mycelial, sources and all
    opened_and_asked_how_often = 2

    def asked_little() -> bool:
        time.sleep(1.0)  # by then the kernel has dropped what it knew
        before = mount.status()["core"]["python_requests"]
        assert set(run_apart(_look_closely, directory)) == names
        asked = mount.status()["core"]["python_requests"] - before
        return bool(asked <= ways_there + opened_and_asked_how_often + len(names))

    wait_until(asked_little, what="an attempt that was not interrupted for half a second")


def _twice(directory: Path) -> tuple[list[str], list[str]]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return os.listdir(descriptor), os.listdir(descriptor)
    finally:
        os.close(descriptor)


def test_an_open_directory_can_be_read_again(listing: tuple[Path, set[str]]) -> None:
    directory, names = listing
    first, second = run_apart(_twice, directory)
    assert set(first) == names
    assert second == first
    assert len(run_apart(_look_closely, directory)) == len(names)


def _first(directory: Path) -> str:
    with os.scandir(directory) as entries:
        return next(entries).name


def test_a_directory_too_long_for_one_answer_is_listed_whole(mount: Mounted) -> None:
    names = {f"{number:04}-{'x' * 200}" for number in range(1000)}
    (mount.source / "many").mkdir()
    for name in names:
        (mount.source / "many" / name).touch()
    directory = mount.mountpoint / ".mycelial" / "related" / "many"
    assert run_apart(_first, directory) in names
    assert sorted(run_apart(os.listdir, directory)) == sorted(names)
