"""Removing a link in related/ says "not related", and nothing else can be removed there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted, run, wait_until
from tests.mount.recorded import mycelial, shell, wait_for


@pytest.fixture
def worked(mount: Mounted) -> Mounted:
    """A mount in which three files were made from one."""
    (mount.source / "in.txt").write_text("a\n")
    shell("for name in one two three; do cat in.txt > $name; done", mount)
    wait_for(mount, "write", "three")
    wait_until(lambda: set(related(mount)) == {"one", "two", "three"})
    return mount


def related(mount: Mounted, path: str = "in.txt") -> list[str]:
    listing: list[str] = run_apart(os.listdir, mount.mountpoint / ".mycelial/related" / path)
    return [name.partition("-")[2] for name in sorted(listing)]


def asked(mount: Mounted) -> set[str]:
    finished = mycelial("related", "--batch", cwd=mount.mountpoint, input="in.txt\n", stdin=None)
    return {name for name in ("one", "two", "three") if f'"{name}"' in finished.stdout}


def test_a_removed_link_does_not_come_back_until_it_is_taken_back(worked: Mounted) -> None:
    directory = worked.mountpoint / ".mycelial/related/in.txt"
    name = next(name for name in run_apart(os.listdir, directory) if name.endswith("-two"))
    assert run(["rm", directory / name]).returncode == 0
    assert set(related(worked)) == {"one", "three"}
    assert asked(worked) == {"one", "three"}
    assert "in.txt" not in related(worked, "two"), "it holds both ways"
    attribute = run_apart(os.getxattr, worked.mountpoint / "in.txt", "user.mycelial.related")
    assert set(attribute.split()) == {b"one", b"three"}
    assert (worked.source / "two").exists()

    assert mycelial("rebuild", worked.mountpoint).returncode == 0
    assert asked(worked) == {"one", "three"}
    shell("mv two zwei; cat in.txt > zwei", worked)
    wait_for(worked, "write", "zwei")
    assert "zwei" not in related(worked)
    shell("mv zwei two", worked)
    wait_for(worked, "rename", "zwei")

    finished = mycelial("forget", "--mutes", worked.mountpoint, cwd=worked.mountpoint)
    assert finished.returncode == 2
    finished = mycelial("forget", "--mutes", cwd=worked.mountpoint)
    assert finished.returncode == 0, finished.stderr
    wait_until(lambda: set(related(worked)) == {"one", "two", "three"})


def test_all_links_can_be_removed_in_one_go(worked: Mounted) -> None:
    directory = worked.mountpoint / ".mycelial/related/in.txt"
    finished = run(["/bin/bash", "-c", "rm *; ls"], cwd=directory)
    assert (finished.stdout, finished.stderr) == ("", "")
    assert asked(worked) == set()


@pytest.mark.parametrize("path", ["together/in.txt", "products/in.txt", "recent", "", "related"])
def test_nothing_else_can_be_removed(worked: Mounted, path: str) -> None:
    directory: Path = worked.mountpoint / ".mycelial" / path
    for name in run_apart(os.listdir, directory):
        for removal in (os.unlink, os.rmdir):
            with pytest.raises(OSError, match=r"Read-only file system|Is a directory|Not a directory"):
                run_apart(removal, directory / name)


def test_where_nothing_is_recorded_nothing_can_be_said(worked: Mounted) -> None:
    worked.unmount()
    worked.options = ("--no-record",)
    worked.start()
    directory = worked.mountpoint / ".mycelial/related/in.txt"
    finished = run(["/bin/bash", "-c", "rm *"], cwd=directory)
    assert "Read-only file system" in finished.stderr
    assert asked(worked) == {"one", "two", "three"}
