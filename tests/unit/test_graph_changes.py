"""What working state is stored, and what is deleted again."""

import json

from mycelial.graph import bursts
from mycelial.graph.bursts import Bursts
from mycelial.graph.processes import Processes
from mycelial.record.events import Process


def walk(seen: Bursts, processes: Processes, first: int, last: int) -> None:
    for number in range(first, last):
        process = Process(pid=number, ppid=number, comm="cc", start=number)
        seen.access(processes.actor(process, number, float(number)), 1, float(number))


def test_what_comes_and_goes_between_two_commits_is_never_stored() -> None:
    seen, processes = Bursts(), Processes()
    walk(seen, processes, 1, bursts.REMEMBERED + 10)
    states = dict(seen.dump())
    assert None not in states.values()
    assert len(states) == bursts.REMEMBERED + 1  # and the next number


def test_what_was_stored_is_deleted_when_it_is_forgotten_also_by_another_run() -> None:
    seen, processes = Bursts(), Processes()
    walk(seen, processes, 1, 3)
    stored = dict(seen.dump())
    again = Bursts()
    again.load(iter(json.loads(json.dumps(list(stored.items())))))
    for one in (seen, again):
        walk(one, processes, 3, bursts.REMEMBERED + 3)
        assert {key for key, state in one.dump() if state is None} == stored.keys() - {""}
        assert all(state is not None for _, state in one.dump())


def test_what_is_there_again_before_it_was_deleted_is_stored_as_it_is() -> None:
    seen, processes = Bursts(), Processes()
    walk(seen, processes, 1, 2)
    (key,) = dict(seen.dump()).keys() - {""}
    walk(seen, processes, 2, bursts.REMEMBERED + 2)
    walk(seen, processes, 1, 2)
    assert dict(seen.dump())[key] is not None


def test_reads_of_a_process_that_was_never_stored_leave_nothing() -> None:
    processes = Processes()
    for pid in range(1, 3):  # the second is at once another one of the same id
        actor = processes.actor(Process(pid=7, ppid=1, comm="cat", start=pid), pid, 1.0)
        processes.read(actor, 5, 1.0, conducted=False)
    states = dict(processes.dump())
    assert set(states) == {"", "2", "2 reads"}
