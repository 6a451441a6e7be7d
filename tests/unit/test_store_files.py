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
                table.flush()
                fresh = FileTable(writer.database)
                assert [table.find(path) for path in PATHS] == [fresh.find(path) for path in PATHS]
