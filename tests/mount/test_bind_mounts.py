"""A mount bound to a second place, where the tree and the commands are right, too; one on another mount."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted, run
from tests.mount.recorded import mycelial, shell, wait_for


@pytest.mark.as_root
def test_a_bind_mount_has_the_tree_and_the_commands(mount: Mounted, tmp_path: Path) -> None:
    (mount.source / "in.txt").write_text("b\na\n")
    shell("sort in.txt > out.txt", mount)
    wait_for(mount, "write", "out.txt")
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    assert run(["mount", "--bind", mount.mountpoint, elsewhere]).returncode == 0
    try:
        directory = elsewhere / ".mycelial" / "products" / "in.txt"
        assert run_apart(os.path.realpath, str(directory / "01-out.txt")) == str(elsewhere / "out.txt")
        told = mycelial("products", "--json", elsewhere / "in.txt")
        assert [product["path"] for product in json.loads(told.stdout)] == ["out.txt"]
    finally:
        assert run(["umount", elsewhere]).returncode == 0


@pytest.mark.as_root
def test_where_only_a_directory_is_bound_the_commands_name_the_whole(mount: Mounted, tmp_path: Path) -> None:
    (mount.source / "part").mkdir()
    (mount.source / "part" / "in.txt").write_text("b\na\n")
    shell("sort part/in.txt > part/out.txt; sort part/in.txt > outside.txt", mount)
    wait_for(mount, "write", "outside.txt")
    elsewhere = tmp_path / "container"
    elsewhere.mkdir()
    assert run(["mount", "--bind", mount.mountpoint / "part", elsewhere]).returncode == 0
    try:
        told = mycelial("products", "--json", elsewhere / "in.txt")
        assert sorted(product["path"] for product in json.loads(told.stdout)) == [
            "outside.txt",
            "part/out.txt",
        ]
        assert "sort" in mycelial("how", elsewhere / "out.txt").stdout
        assert mycelial("sources", elsewhere / "none").returncode == 1
        refused = mycelial("how", "--script", elsewhere / "out.txt")
        assert refused.returncode == 1
        assert "shows part alone" in refused.stderr
        whole = mycelial("forget", elsewhere)
        assert whole.returncode == 0, whole.stderr
        left = mycelial("events", "--json", mount.mountpoint).stdout
        assert "outside.txt" in left
        assert "part/" not in left
    finally:
        assert run(["umount", elsewhere]).returncode == 0


class OnTheFirst(Mounted):
    @property
    def source(self) -> Path:
        return self.directory.parent / "mount1" / "mountpoint" / "part"


def use_nameless(directory: Path) -> bytes:
    fd = os.open(directory, os.O_RDWR | os.O_TMPFILE, 0o600)
    os.write(fd, b"content")
    return os.pread(fd, 100, 0)


@pytest.mark.as_root
def test_files_without_a_name_can_be_made_on_a_mount_of_a_mount(
    new_mount: Callable[..., Mounted], workspace: Path
) -> None:
    new_mount("--no-passthrough")
    directory = workspace / "above"
    directory.mkdir()
    above = OnTheFirst(directory, ("--no-record",)).start()
    assert run_apart(use_nameless, above.mountpoint) == b"content"
    above.unmount()
