"""Programs that make one thing after the other: what each was made from, and what it takes to tell."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import pytest

from mycelial.graph.pipeline import Pipeline
from mycelial.record.events import Event
from mycelial.store.writer import Writer
from tests.unit.worked import Program, Story

ROUNDS = 550  # more than members of a unit of work are looked at


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def convert(program: Program, numbers: range) -> Program:
    """Read and write one file after the other; the names do not say which became which."""
    for number in numbers:
        program.open(f"photo-{number}").make(f"thumbnail-{number * 7}")
    return program


def test_a_converter_of_many_files_takes_each_from_its_own(story: Story) -> None:
    convert(story.program("convert", args=("convert",)).open("settings"), range(40))
    assert story.sources("thumbnail-7") == ["photo-1", "settings"]
    assert story.sources(f"thumbnail-{39 * 7}") == ["photo-39", "settings"]


def test_a_converter_of_more_files_than_are_remembered_takes_each_from_its_own(story: Story) -> None:
    convert(story.program("convert").open("settings"), range(1200))
    assert story.sources(f"thumbnail-{1199 * 7}") == ["photo-1199", "settings"]


def test_a_name_that_is_taken_over_late_leaves_the_rounds_in_order(story: Story) -> None:
    program = story.program("convert").open("settings", "photo-0").make("part")
    convert(program.open("photo-1").make("thumbnail-7"), range(2, 3))
    program.rename("part", "thumbnail-0")
    convert(program, range(3, 20))
    assert story.sources(f"thumbnail-{19 * 7}") == ["photo-19", "settings"]


def test_what_a_script_writes_long_after_it_has_read_is_made_from_what_it_read(story: Story) -> None:
    script = story.program("python3", args=("python3", "split")).open("table")
    story.wait(100)
    script.make(*(f"part-{number}" for number in range(1100)))
    assert story.sources("part-1099") == ["table"]


def test_what_is_written_on_and_on_is_made_from_all_that_was_read_meanwhile(story: Story) -> None:
    server = story.program("server").open("settings")
    for number in range(300):
        server.open(f"page-{number}").close("log")
    assert len(story.sources("log")) == 301


@pytest.mark.parametrize("program", ["python3", "convert", "bash"])
def test_what_a_file_takes_does_not_grow_with_what_its_program_did_before(story: Story, program: str) -> None:
    script = story.program(program, args=(program, "all"))
    for number in range(ROUNDS):
        convert(script, range(number, number + 1))
        script.run("cat").open(f"page-{number}").make(f"copy-{number}")
    early, late = early_and_late(story)
    assert late < 1.25 * early


def test_what_a_file_takes_that_is_written_on_and_on_does_not_grow(story: Story) -> None:
    server = story.program("server")
    for number in range(ROUNDS):
        server.open(f"page-{number}").close("log")
    early, late = early_and_late(story)
    assert late < 1.25 * early


def early_and_late(story: Story) -> tuple[int, int]:
    """Return how many calls of Python functions fifty rounds take in the middle, and the last fifty."""
    events, of_each = story.events, len(story.events) // ROUNDS
    with Writer(story.database) as writer:
        pipeline = Pipeline(writer)
        writer.begin()
        feed(pipeline, events[: 250 * of_each])
        early = feed(pipeline, events[250 * of_each : 300 * of_each])
        feed(pipeline, events[300 * of_each : 500 * of_each])
        late = feed(pipeline, events[500 * of_each :])
        assert pipeline.failures == 0
    return early, late


def feed(pipeline: Pipeline, events: list[Event]) -> int:
    """Return how many calls of Python functions it took."""
    calls = 0

    def count(frame: FrameType, what: str, argument: object) -> None:
        nonlocal calls
        calls += what == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        for event in events:
            pipeline.feed([event])
    finally:
        sys.setprofile(before)
    return calls
