"""Where the database is somebody else's, the tree of the mount is asked instead."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mycelial.cli.mounts import Mount
from tests.unit.terminal import Terminal


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that says of itself what a shared mount tells its guests, with the links of its tree."""
    (tmp_path / "a.txt").touch()
    (tmp_path / "b.txt").touch()
    for view in ("clusters/notes", "hubs", "search/a txt"):
        directory = tmp_path / ".mycelial" / view
        directory.mkdir(parents=True)
        above = "../" * (2 + view.count("/"))
        (directory / "01-a.txt").symlink_to(f"{above}a.txt")
        (directory / "02-b.txt").symlink_to(f"{above}b.txt")
    status = json.dumps({"mountpoint": str(tmp_path), "view_dir": ".mycelial"}).encode()
    monkeypatch.setattr(os, "getxattr", lambda path, name: status)
    mount = Mount(os.stat(tmp_path).st_dev, "/", str(tmp_path))
    monkeypatch.setattr("mycelial.cli.place.mounts", lambda table: [mount])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_clusters_are_those_of_the_tree(terminal: Terminal) -> None:
    (found,) = terminal.json("clusters", "--json")
    assert found == {"id": 1, "label": "notes", "uid": os.getuid(), "members": ["a.txt", "b.txt"]}
    assert "notes" in terminal.out("clusters")


@pytest.mark.parametrize("command", [("hubs",), ("search", "a", "txt"), ("search", "a/txt")])
def test_flat_answers_are_the_links_in_their_order(terminal: Terminal, command: tuple[str, ...]) -> None:
    found = terminal.json(*command, "--json")
    assert [hit["path"] for hit in found] == ["a.txt", "b.txt"]
    assert found[0]["score"] > found[1]["score"]
    assert len(terminal.out(*command, "--limit", "1").splitlines()) == 2


def test_what_the_tree_does_not_tell_names_the_tree(terminal: Terminal, root: Path) -> None:
    for command in ("sessions", "graph"):
        assert f"what is yours is in {root}/.mycelial" in terminal.error(command)
