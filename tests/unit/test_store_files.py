"""The file table: what is remembered of names is what the table says."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mycelial.store import files
from mycelial.store.files import FileTable
from mycelial.store.writer import Writer

PATHS = ["a", "b", "d/a", "d/b", "d/e/a", "d/e"]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["use", "find", "remove", "move"]), st.sampled_from(PATHS), st.sampled_from(PATHS)
    ),
    max_size=25,
)


def take(table: FileTable, step: str, path: str, to: str) -> None:
    row = table.find(path)
    if step == "use":
        table.use(path)
    elif row is None or row.gone:
        return
    elif step == "remove":
        table.remove(row.number, path, 1)
    elif step == "move" and path != to and not to.startswith(f"{path}/") and not path.startswith(f"{to}/"):
        table.move(row.number, path, to)


@pytest.mark.parametrize("remembered", [files.ROWS, 3], ids=["much", "little"])
@given(steps=STEPS, often=st.integers(min_value=1, max_value=8))
@settings(max_examples=30, deadline=None)
def test_names_are_found_as_by_somebody_who_remembers_nothing(
    remembered: int, steps: list[tuple[str, str, str]], often: int
) -> None:
    with (
        TemporaryDirectory() as directory,
        pytest.MonkeyPatch.context() as patch,
        Writer(Path(directory) / "f.db") as writer,
    ):
        patch.setattr(files, "ROWS", remembered)
        writer.begin()
        table = writer.files
        for number, step in enumerate(steps):
            take(table, *step)
            if number % often == 0:
                directories = [is_directory(table, path) for path in PATHS]
                table.flush()
                fresh = FileTable(writer.database)
                assert [table.find(path) for path in PATHS] == [fresh.find(path) for path in PATHS]
                assert directories == [is_directory(fresh, path) for path in PATHS]


def is_directory(table: FileTable, path: str) -> bool:
    row = table.find(path)
    return row is not None and table.is_directory(row.number)


def test_what_is_renamed_before_it_is_written_is_written_once(tmp_path: Path) -> None:
    with Writer(tmp_path / "f.db") as writer:
        writer.begin()
        table, connection = writer.files, writer.database.conn
        said: list[str] = []
        connection.set_trace_callback(said.append)
        for name in ("a", "b"):
            table.move(table.use(f"d/.{name}"), f"d/.{name}", f"d/{name}")
        table.move(table.use("d"), "d", "e")
        connection.set_trace_callback(None)
        assert said == []
        table.flush()
        fresh = FileTable(writer.database)
        assert [fresh.find(path) is not None for path in ("e/a", "e/b", "e/.a", "d")] == [
            True,
            True,
            False,
            False,
        ]
