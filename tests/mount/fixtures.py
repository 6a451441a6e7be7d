"""Mounts as fixtures, and the clean-up that no failure can get around."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mount.mounted import Mounted, clear_away


def remove_tree(directory: Path) -> None:
    """Remove a test's directory, whatever modes the test left; never crosses into a mount."""
    clear_away(directory)
    remove_whatever_its_modes(directory)


def remove_whatever_its_modes(directory: Path) -> None:
    """Remove a directory in which nothing is mounted."""
    for parent, directories, _ in os.walk(directory):
        for name in directories:
            path = os.path.join(parent, name)
            if not os.path.islink(path):
                os.chmod(path, 0o700)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def session_directory() -> Iterator[Path]:
    """Where all mounts of this run live; other users may pass through it."""
    directory = Path(tempfile.mkdtemp(prefix="mycelial-test-")).resolve()
    directory.chmod(0o755)
    yield directory
    remove_tree(directory)


@pytest.fixture
def workspace(session_directory: Path) -> Iterator[Path]:
    """A directory for one test, removed afterwards with everything that is mounted or runs in it."""
    directory = Path(tempfile.mkdtemp(prefix="t", dir=session_directory))
    directory.chmod(0o755)
    yield directory
    remove_tree(directory)


@pytest.fixture
def new_mount(workspace: Path) -> Callable[..., Mounted]:
    """Start mounts of the test's own, with the options that it gives."""
    count = 0

    def start(*options: str, in_place: bool = False, environment: dict[str, str] | None = None) -> Mounted:
        nonlocal count
        count += 1
        directory = workspace / f"mount{count}"
        directory.mkdir()
        return Mounted(directory, options, in_place, environment or {}).start()

    return start


@pytest.fixture
def mount(new_mount: Callable[..., Mounted]) -> Mounted:
    """A fresh mount with the default options."""
    return new_mount()


class SharedMounts:
    """One mount for each set of options, used by many tests and replaced when a test broke it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._mounts: dict[tuple[str, ...], Mounted] = {}
        self._count = 0

    def get(self, *options: str) -> Mounted:
        mount = self._mounts.get(options)
        if mount is None or not mount.answers():
            if mount is not None:
                mount.clear()
            self._count += 1
            directory = self._directory / f"shared{self._count}"
            directory.mkdir()
            mount = self._mounts[options] = Mounted(directory, options).start()
        return mount

    def clear(self) -> None:
        for mount in self._mounts.values():
            mount.clear()


@pytest.fixture(scope="session")
def shared_mounts(session_directory: Path) -> Iterator[SharedMounts]:
    mounts = SharedMounts(session_directory)
    yield mounts
    mounts.clear()
