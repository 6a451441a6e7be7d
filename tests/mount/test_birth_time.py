"""When a file was born, as `statx` tells it: the mount says what the filesystem below says."""

from __future__ import annotations

import os
from pathlib import Path

from tests.mount.mounted import Mounted, run

BORN = ["stat", "--cached=never", "--format=%w %s %Y %a %h"]
"""`stat` asks for the time of birth only where it is to be printed."""


def told_of(path: Path) -> str:
    finished = run([*BORN, path])
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_the_time_of_birth_is_that_of_the_file_below(mount: Mounted) -> None:
    (mount.mountpoint / "directory").mkdir()
    (mount.mountpoint / "directory" / "file").write_text("text")
    (mount.mountpoint / "link").symlink_to("directory/file")
    os.utime(mount.mountpoint / "directory" / "file", (1, 1))
    for name in (".", "directory", "directory/file", "link"):
        assert told_of(mount.mountpoint / name) == told_of(mount.source / name)
    assert told_of(mount.mountpoint / "link").startswith("20"), "the filesystem of the tests knows it"


def test_the_time_of_birth_of_an_open_file_without_a_name(mount: Mounted) -> None:
    path = mount.mountpoint / "file"
    with path.open("w+") as file:
        before = run(["stat", "--format=%w", path]).stdout
        path.unlink()
        finished = run(["stat", "--format=%w", "-"], stdin=file)
    assert finished.stdout == before, finished.stderr


def test_the_virtual_tree_answers_though_nothing_there_was_born(mount: Mounted) -> None:
    (mount.mountpoint / "file").write_text("text")
    for _ in range(3):
        for name in (".mycelial", ".mycelial/related", ".mycelial/recent"):
            assert told_of(mount.mountpoint / name).startswith("- ")
        assert run([*BORN, mount.mountpoint / ".mycelial/related/missing"]).returncode == 1
        assert told_of(mount.mountpoint / "file").startswith("20")
