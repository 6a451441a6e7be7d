"""What files were made from: what is gathered says the same as what is written at once."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mycelial.record.events import Event, Op, Process
from mycelial.record.steps import Step
from mycelial.store import evidence
from mycelial.store.provenance import ProvenanceWriter, Source
from mycelial.store.writer import Writer

FILES = range(1, 6)
DOINGS = st.lists(
    st.tuples(
        st.sampled_from(["make", "replace", "add", "recipe", "steps", "move", "copy"]),
        st.sampled_from(FILES),
        st.sampled_from(FILES),
    ),
    max_size=25,
)
Answers = tuple[object, ...]


def do(table: ProvenanceWriter, number: int, doing: str, product: int, other: int) -> None:
    steps = (Step(f"made-{number}"),)
    source = Source(other, float(number), "cc")
    if doing == "make":
        table.set_sources(product, 1000, {other: source})
    elif doing == "replace":
        table.set_sources(product, 1000, {**table.sources(product), other: source})
    elif doing == "add":
        table.add_sources(product, 1000, [source], 1, 3)
    elif doing == "recipe":
        table.set_recipe(product, 1000, float(number), 1, 1, steps)
    elif doing == "steps":
        table.set_steps(product, steps)
    elif doing == "move" and product != other:
        table.move_recipe(product, other)
    elif doing == "copy" and product != other:
        table.copy_recipe(product, other)


def answers(table: ProvenanceWriter) -> list[Answers]:
    return [(table.sources(file), table.products(file), table.steps(file)) for file in FILES]


def live(doings: list[tuple[str, int, int]], *, at_once: bool) -> tuple[list[list[Answers]], list[Answers]]:
    """Return the answers after each, and the tables at the end."""
    with TemporaryDirectory() as directory, Writer(Path(directory) / "p.db") as writer:
        writer.begin()
        writer.log.append(Event(1.0, Op.OPEN, "a", Process(pid=7, ppid=1, comm="cc")))
        for file in FILES:
            writer.files.use(f"file-{file}")
        writer.flush()
        table, said = writer.provenance, []
        for number, doing in enumerate(doings):
            do(table, number, *doing)
            if at_once:
                table.flush()
                table = ProvenanceWriter(writer.database)  # remembers nothing
            said.append(answers(table))
        table.flush()
        rows = writer.database.conn.execute("SELECT * FROM source ORDER BY product, source").fetchall()
        return said, rows + writer.database.conn.execute("SELECT * FROM recipe ORDER BY product").fetchall()


@given(doings=DOINGS)
@settings(max_examples=20, deadline=None)
def test_what_is_gathered_says_the_same_as_what_is_written_at_once(
    doings: list[tuple[str, int, int]],
) -> None:
    assert live(doings, at_once=False) == live(doings, at_once=True)


@pytest.mark.parametrize("counted", [3, evidence.COUNTED])
def test_however_many_files_there_are_few_are_remembered_and_none_has_too_many_neighbours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: int
) -> None:
    monkeypatch.setattr(evidence, "COUNTED", counted)
    hub, others = 1, range(2, evidence.CROWDED + 22)
    with Writer(tmp_path / "n.db") as writer:
        writer.begin()
        for other in others:
            writer.evidence.add_together(1000, {(hub, other): float(other)}, 1.0, other)
            writer.evidence.crowd_out(1000, [hub, other])
            assert writer.evidence.remembered <= 2 * counted
        writer.commit()
        rows = writer.database.conn.execute("SELECT b FROM together WHERE a = 1 ORDER BY b").fetchall()
    assert len(rows) <= evidence.CROWDED
    assert rows[-1] == (others[-1],)


@pytest.mark.parametrize("at_first", [0, 7])
def test_a_file_with_too_many_neighbours_keeps_the_best(tmp_path: Path, at_first: int) -> None:
    hub, others = 1, range(2, evidence.CROWDED + 22)
    for part in (others[:at_first], others[at_first:]):  # who opens it later has to count what is there
        with Writer(tmp_path / "n.db") as writer:
            writer.begin()
            for other in part:
                writer.evidence.add_together(1000, {(hub, other): float(other)}, 1.0, other)
                writer.evidence.crowd_out(1000, [hub, other])
            writer.commit()
            rows = writer.database.conn.execute("SELECT b FROM together WHERE a = 1 ORDER BY b").fetchall()
    left = [b for (b,) in rows]
    assert len(left) <= evidence.CROWDED
    assert left[-1] == others[-1]
    assert others[0] not in left
