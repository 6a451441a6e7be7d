"""What waits for its commit: batches end where messages end."""

from __future__ import annotations

from mycelial.graph.waiting import Waiting
from mycelial.record.events import Event, Op, Process

SOMEBODY = Process(pid=1, ppid=0, comm="cat", uid=0)


def event(number: int) -> Event:
    return Event(float(number), Op.OPEN, f"f{number}", SOMEBODY)


def filled(*messages: int) -> Waiting:
    waiting = Waiting()
    for number, waiting.message in enumerate(messages):
        waiting.add(event(number))
    return waiting


def give(waiting: Waiting, batch: int) -> list[str]:
    return [one.path for one in waiting.give(batch)]


def test_a_batch_takes_no_message_apart() -> None:
    waiting = filled(1, 1, 2, 2, 2, 4)
    assert give(waiting, 3) == ["f0", "f1", "f2", "f3", "f4"]
    assert waiting.given_message == 2
    waiting.take_off()
    assert waiting.stored_message == 3  # of which nothing came
    assert give(waiting, 3) == ["f5"]
    assert waiting.given_message == 4
    waiting.take_off()
    assert (len(waiting), waiting.stored_message) == (0, 4)


def test_without_numbers_a_batch_is_as_long_as_wanted() -> None:
    waiting = filled(0, 0, 0, 0)
    assert give(waiting, 3) == ["f0", "f1", "f2"]
    assert waiting.stored_message == 0


def test_a_message_without_events_is_stored_when_nothing_waits() -> None:
    waiting = filled(1)
    waiting.message = 2
    assert waiting.stored_message == 0
    give(waiting, 10)
    assert waiting.given_message == 2
    waiting.take_off()
    assert waiting.stored_message == 2


def test_what_is_taken_again_keeps_its_message() -> None:
    waiting = filled(1, 2, 3)
    waiting.take_again(lambda one: None if one.path == "f1" else waiting.add(one))
    assert waiting.message == 3
    waiting.keep(lambda _, message: message > 1)
    assert waiting.oldest == event(2)
    assert waiting.stored_message == 2
