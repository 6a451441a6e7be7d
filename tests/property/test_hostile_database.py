"""A database from outside, or a damaged one: every question is answered, or refused in one clear line."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mycelial.cli.main import run
from mycelial.store.answers import Answers
from mycelial.views.node import Directory, Link
from mycelial.views.tree import Tree
from tests.unit.recorded import BO, MemorySource, database

FILE, OTHER = "src/main.c", "build/main.o"
QUESTIONS: tuple[tuple[str, ...], ...] = (
    ("related", FILE),
    ("together", FILE),
    ("next", FILE),
    ("sources", FILE),
    ("products", FILE),
    ("why", FILE, OTHER),
    ("how", FILE),
    ("recent",),
    ("clusters",),
    ("hubs",),
    ("sessions",),
    ("search", "main"),
    ("events",),
    ("status",),
    ("graph", "--format", "html"),
)
HOSTILE = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.binary(max_size=40),
    st.sampled_from(
        [
            "",
            ".",
            "..",
            "../../../../etc/passwd",
            "/etc/passwd",
            "a/b",
            "\x1b]0;title\x07\x1b[2J",
            "line\nbreak",
            "</script><script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "\u202egnp.exe",
            "x" * 5000,
            "[[[[",
            '{"a": 1}',
            '[["x", 1], [2]]',
        ]
    ),
    st.text(max_size=20),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = database(tmp_path_factory.mktemp("whole"))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # one file, to be copied and damaged
    return path


@contextlib.contextmanager
def copied(whole: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "copied.db")
        shutil.copy(whole, path)
        yield path


def ask(path: Path, question: tuple[str, ...]) -> None:
    """One question: an answer that moves no cursor, or one line of refusal."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([*question, "--db", str(path)])
    assert code in (0, 1), (question, code)
    text = err.getvalue()
    assert code == 0 or (text.count("\n") == 1), (question, text)
    for line in (out.getvalue() + text).split("\n"):
        assert not [c for c in line if not c.isprintable() and c != "\t"], (question, line)


def walk(tree: Tree, path: tuple[bytes, ...] = ()) -> None:
    """Everything that the virtual tree shows: no link leads out of the mount."""
    try:
        node = tree.find(path, BO)
        children = node.children() if isinstance(node, Directory) else []
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError):
        return  # the mount answers EIO, and a line in its log says where
    for name, _ in children:
        assert name not in (b"", b".", b"..")
        assert b"/" not in name
        walk(tree, (*path, name))
    if isinstance(node, Link):
        assert not node.target.startswith(b"/")
        landed = os.path.normpath(os.path.join(b"/r/.mycelial", *path[:-1], node.target))
        assert landed.startswith(b"/r/"), (path, node.target)


def use(path: Path) -> None:
    for question in QUESTIONS:
        ask(path, question)
    walk(Tree(open_answers=lambda uid: Answers.open(path, uid), source=MemorySource(), status=lambda _: {}))


def columns(path: Path) -> list[tuple[str, str]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return [
            (table, column)
            for (table,) in tables
            if not table.startswith("sqlite_")
            for _, column, *_ in connection.execute(f'PRAGMA table_info("{table}")')
        ]


@settings(max_examples=15)
@given(data=st.data())
def test_any_value_in_any_column(whole: Path, data: st.DataObject) -> None:
    with copied(whole) as path:
        changes = data.draw(
            st.lists(st.tuples(st.sampled_from(columns(path)), HOSTILE), min_size=1, max_size=3)
        )
        with contextlib.closing(sqlite3.connect(path)) as connection:
            for (table, column), value in changes:
                with contextlib.suppress(sqlite3.IntegrityError, sqlite3.OperationalError):
                    rowids = f'(SELECT rowid FROM "{table}" LIMIT 3)'
                    connection.execute(
                        f'UPDATE "{table}" SET "{column}" = ? WHERE rowid IN {rowids}', (value,)
                    )
            connection.commit()
        use(path)


@settings(max_examples=15)
@given(data=st.data())
def test_any_bytes_anywhere_in_the_file(whole: Path, data: st.DataObject) -> None:
    with copied(whole) as path:
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(content) - 1))
            damage = data.draw(st.binary(min_size=1, max_size=300))
            content[at : at + len(damage)] = damage
        if data.draw(st.booleans()):
            del content[data.draw(st.integers(0, len(content))) :]
        path.write_bytes(content)
        for question in QUESTIONS:
            ask(path, question)


def test_a_table_that_is_missing(whole: Path) -> None:
    for table in sorted({table for table, _ in columns(whole)}):
        with copied(whole) as path:
            with contextlib.closing(sqlite3.connect(path)) as connection:
                connection.execute(f'DROP TABLE "{table}"')
                connection.commit()
            for question in QUESTIONS:
                ask(path, question)
