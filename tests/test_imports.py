"""The layout is the design: who may import whom, and which outside library belongs to which package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "mycelial"

MAY_IMPORT = {
    "core": set(),
    "record": set(),
    "store": {"record"},
    "graph": {"store", "record"},
    "views": {"store", "record"},
    "cli": {"store", "graph", "record"},
    "mount": {"core", "record", "views"},
}

BELONGS_TO = {
    "pyfuse3": "mount",
    "sqlite3": "store",
    "sqlite_utils": "store",
    "networkx": "graph",
    "click": "cli",
}

FILES = sorted(
    path.relative_to(ROOT.parent) for path in ROOT.rglob("*.py*") if path.suffix in (".py", ".pyi")
)


def imported(path: Path) -> Iterator[str]:
    """Full names of all modules that a file imports, wherever in it, relative imports resolved."""
    package = ".".join(path.parent.parts)
    for node in ast.walk(ast.parse((ROOT.parent / path).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            module = ".".join(part for part in (above, node.module) if part)
            # `from mycelial import core` names a package too.
            yield from (f"{module}.{alias.name}" for alias in node.names)


def room(path: Path) -> str:
    """The package of a file: the folder below mycelial/; empty for the files that lie in it directly."""
    return path.parts[1] if len(path.parts) > 2 else ""


def test_every_package_has_its_line_in_the_table() -> None:
    assert {room(path) for path in FILES} - {""} == set(MAY_IMPORT)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_packages_import_only_what_the_table_allows(path: Path) -> None:
    allowed = MAY_IMPORT.get(room(path), set()) | {room(path)}
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "mycelial" and len(parts) > 1 and (ROOT / parts[1]).is_dir():
            assert parts[1] in allowed, f"{path} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_each_outside_library_is_known_to_one_package(path: Path) -> None:
    for name in imported(path):
        owner = BELONGS_TO.get(name.split(".")[0])
        assert owner in (None, room(path)), f"{path} imports {name}, which belongs to mycelial/{owner}"


def test_a_relative_import_is_seen_through() -> None:
    """The resolver is itself easy to get wrong: the whole table would then hold nothing."""
    names = {name for path in FILES for name in imported(path)}
    assert "mycelial.record.events.Event" in names
    assert any(name.startswith("mycelial.core") for name in imported(Path("mycelial/mount/filesystem.py")))
