"""The core's records: whatever was encoded is decoded, whatever is malformed is refused in one line."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycelial.record import wire
from mycelial.record.announced import Announced
from mycelial.record.events import CUT, Event, Op, Process
from mycelial.record.told import Dropped
from mycelial.record.wire import WireDecoder, encode_dropped, encode_event, encode_process
from tests.unit.record_strategies import events, processes
from tests.unit.refusal import taken_or_refused

RECORDED = tuple(op for op in Op if op is not Op.READ)
SHELL = Process(pid=7, ppid=1, comm="sh", uid=1000)
OPENED = Event(1.5, Op.OPEN, "a", SHELL)


def header(size: int, kind: int) -> bytes:
    return struct.pack("<IHHIIQ", size, kind, 0, 1, 0, 0)


@given(st.lists(events(RECORDED), max_size=5), st.integers(0, 2**63 - 1))
def test_what_was_encoded_is_decoded(recorded: list[Event], lost: int) -> None:
    message = b"".join(
        encode_process(number, event.process) + encode_event(number, event)
        for number, event in enumerate(recorded)
    )
    *decoded, dropped = WireDecoder().feed(message + encode_dropped(lost))
    assert dropped == Dropped(lost)
    for got, event in zip(decoded, recorded, strict=True):
        assert isinstance(got, Event)
        assert got == event._replace(t=got.t)
        assert got.t == pytest.approx(event.t, abs=1e-6)


@given(processes)
def test_records_are_padded_to_eight_bytes(process: Process) -> None:
    record = encode_process(1, process)
    assert len(record) % 8 == 0
    assert struct.unpack_from("<I", record) == (len(record),)


@given(st.binary(max_size=200))
def test_any_message_is_decoded_or_refused(message: bytes) -> None:
    taken_or_refused(lambda: list(WireDecoder().feed(message)))


@given(events(RECORDED), st.data())
def test_a_damaged_message_is_decoded_or_refused(event: Event, data: st.DataObject) -> None:
    message = bytearray(encode_process(1, event.process) + encode_event(1, event))
    at = data.draw(st.integers(0, len(message) - 1))
    message[at] = data.draw(st.integers(0, 255))
    taken_or_refused(lambda: list(WireDecoder().feed(bytes(message))))


def test_a_process_is_announced_once_for_many_messages() -> None:
    decoder = WireDecoder()
    assert list(decoder.feed(encode_process(3, SHELL))) == []
    assert [list(decoder.feed(encode_event(3, OPENED))) for _ in range(2)] == [[OPENED], [OPENED]]


def test_an_unknown_process_is_nobody_but_keeps_its_user() -> None:
    (event,) = WireDecoder().feed(encode_event(99, OPENED))
    assert isinstance(event, Event)
    assert event.process == Process(pid=0, ppid=0, comm="?", uid=1000)


def test_an_access_counts_for_the_user_that_made_it() -> None:
    daemon = SHELL._replace(uid=0)
    (event,) = WireDecoder().feed(encode_process(1, daemon) + encode_event(1, OPENED))
    assert isinstance(event, Event)
    assert event.process == SHELL


def test_kinds_that_are_not_known_are_skipped() -> None:
    assert list(WireDecoder().feed(header(24, 77) + encode_dropped(1))) == [Dropped(1)]


@pytest.mark.parametrize("path", ["", "/a", "../a", "a/../b", "a//b", "."])
def test_a_path_that_names_no_file_below_the_root_is_ignored(path: str) -> None:
    message = encode_event(1, OPENED._replace(path=path)) + encode_event(1, OPENED)
    assert len(list(WireDecoder().feed(message))) == 1


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"\1", "cut off in a header"),
        (header(16, 2), "a record of 16 bytes"),
        (header(25, 2) + b"\0", "a record of 25 bytes"),
        (header(64, 2), "a record of 64 bytes in 24"),
        (header(24, 2), "too short"),
        (header(32, 2) + struct.pack("<HHI", 9, 0, 0), "longer than its record"),
        (header(24, 1), "too short"),
        (header(24, 9), "too short"),
    ],
)
def test_a_malformed_message_is_refused(message: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        list(WireDecoder().feed(message))


def test_what_stands_before_the_damage_is_not_lost() -> None:
    decoded = WireDecoder().feed(encode_dropped(5) + b"\1")
    assert next(decoded) == Dropped(5)
    with pytest.raises(ValueError, match="malformed"):
        next(decoded)


def test_memory_of_processes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PROCESSES_KEPT", 2)
    decoder = WireDecoder()
    known = b"".join(encode_process(number, SHELL) for number in (1, 2))
    list(decoder.feed(known + encode_event(1, OPENED) + encode_process(3, SHELL)))
    (kept,) = decoder.feed(encode_event(1, OPENED))
    (forgotten,) = decoder.feed(encode_event(2, OPENED))
    assert isinstance(kept, Event)
    assert isinstance(forgotten, Event)
    assert (kept.process.comm, forgotten.process.comm) == ("sh", "?")


def test_memory_of_long_command_lines_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BYTES_KEPT", 10_000)
    decoder = WireDecoder()
    long = SHELL._replace(args=("x",) * 2000)
    list(decoder.feed(b"".join(encode_process(number, long) for number in (1, 2, 2, 3))))
    kept = [event for number in (1, 2, 3) for event in decoder.feed(encode_event(number, OPENED))]
    assert [event.process.comm for event in kept if isinstance(event, Event)] == ["?", "sh", "sh"]


def test_an_endless_command_line_is_cut() -> None:
    greedy = SHELL._replace(args=("x" * 100_000,))
    (event,) = WireDecoder().feed(encode_process(1, greedy) + encode_event(1, OPENED))
    assert isinstance(event, Event)
    assert event.process.args == ("x" * 65535, CUT)


@pytest.fixture
def kept() -> Iterator[int]:
    """A file without a name, as the mount makes one."""
    fd = os.memfd_create("kept")
    yield fd
    os.close(fd)


def told(fd: int, number: int) -> str:
    """What a new reader knows of a process that an earlier one was told of."""
    (event,) = WireDecoder(Announced(fd)).feed(encode_event(number, OPENED))
    assert isinstance(event, Event)
    return event.process.comm


def test_a_new_reader_knows_what_an_earlier_one_was_told(kept: int) -> None:
    for number, comm in enumerate(("sh", "cat", "sort")):
        assert not list(WireDecoder(Announced(kept)).feed(encode_process(number, SHELL._replace(comm=comm))))
    assert [told(kept, number) for number in range(4)] == ["sh", "cat", "sort", "?"]


@pytest.mark.parametrize("cut", [1, 8, 24])
def test_a_reader_killed_while_it_kept_something_takes_only_that_with_it(kept: int, cut: int) -> None:
    assert not list(WireDecoder(Announced(kept)).feed(encode_process(1, SHELL) + encode_process(2, SHELL)))
    os.ftruncate(kept, os.fstat(kept).st_size - cut)
    assert [told(kept, number) for number in (1, 2)] == ["sh", "?"]
    assert not list(WireDecoder(Announced(kept)).feed(encode_process(3, SHELL)))
    assert [told(kept, number) for number in (1, 3)] == ["sh", "sh"]


def test_of_many_processes_those_used_last_are_kept(kept: int) -> None:
    largest = 10 * len(encode_process(1, SHELL))
    decoder = WireDecoder(Announced(kept, largest))
    for number in range(1, 100):
        assert len(list(decoder.feed(encode_process(number, SHELL) + encode_event(1, OPENED)))) == 1
        assert os.fstat(kept).st_size <= largest
    assert [told(kept, number) for number in (1, 50, 97, 98, 99)] == ["sh", "?", "sh", "sh", "sh"]
