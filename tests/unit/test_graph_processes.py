"""What is remembered of processes is the same after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from mycelial.graph.processes import Processes
from mycelial.record.events import Process
from tests.unit.tables import derived
from tests.unit.worked import Story


@pytest.fixture
def processes() -> Processes:
    return Processes()


def restarted(processes: Processes) -> Processes:
    again = Processes()
    again.load(iter([(key, state) for key, state in processes.dump() if state is not None]))
    return again


def test_what_another_renamed_has_its_name_after_a_restart_too(tmp_path: Path) -> None:
    databases = []
    for is_restarted in (False, True):
        story = Story(tmp_path / str(is_restarted))
        driver = story.program("gcc").make("out")
        driver.run("as").open("a").make("temporary")
        if is_restarted:
            story.answers().close()
        driver.rename("temporary", "out")
        story.answers().close()
        databases.append(derived(story.database))
    assert databases[0] == databases[1]


def test_who_wrote_to_a_place_is_told_in_order_of_appearance_always(processes: Processes) -> None:
    first = processes.actor(Process(10, 5, "sh"), 1, 1.0)
    processes.actor(Process(11, 5, "sort", fds=((1, "/tmp/x"),)), 2, 2.0)
    processes.actor(Process(10, 5, "sh", fds=((1, "/tmp/x"),)), 3, 3.0)
    told = [actor.number for actor in processes.writers_to("/tmp/x")]
    assert told == [first.number, first.number + 1]
    assert [actor.number for actor in restarted(processes).writers_to("/tmp/x")] == told
