"""The table of mounts, whatever the directories are called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mycelial.cli.mounts import mounts
from mycelial.mount import mounted

ODD = "/a\rb\x0bc\x85d\u2028e"
TABLE = (
    f"30 1 0:25 / {ODD} rw - tmpfs none rw\n"
    f"31 1 0:26 / {ODD}/live rw shared:1 - fuse.mycelial /the\\040{ODD[1:]} rw,user_id=7\n"
)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "mountinfo"
    path.write_bytes(os.fsencode(TABLE))
    monkeypatch.setattr(mounted, "_MOUNTS", str(path))
    return path


def test_only_a_newline_ends_a_line_of_the_table_of_mounts(table: Path) -> None:
    assert mounted.mountpoints_of(f"/the {ODD[1:]}") == {f"{ODD}/live"}
    (mount,) = mounts(os.fsdecode(table.read_bytes()))
    assert (mount.path, mount.owner) == (f"{ODD}/live", 7)
