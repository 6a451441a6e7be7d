"""The event log's lines: whatever was recorded survives, whatever was forged is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mycelial.record import jsonl
from mycelial.record.events import Event, Op, Process
from mycelial.record.jsonl import EventReader, event_from_json, event_to_json
from tests.unit.record_strategies import events
from tests.unit.refusal import taken_or_refused

PLAIN = {
    "t": 1760000000.25,
    "pid": 4711,
    "ppid": 4700,
    "comm": "cc1",
    "uid": 1000,
    "op": "open",
    "path": "src/a.c",
}


def line(**changes: object) -> str:
    return json.dumps({**PLAIN, **changes})


@given(events())
def test_an_event_survives_the_way_through_json(event: Event) -> None:
    text = event_to_json(event)
    assert text.isascii()
    assert "\n" not in text
    assert event_from_json(text) == event


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3),
    ),
    st.sampled_from([*PLAIN, "to", "chain", "pipe_in", "args", "sid", "start", "exe"]),
)
def test_any_value_under_any_key_is_taken_or_refused_in_one_line(value: object, key: str) -> None:
    taken_or_refused(lambda: event_from_json(line(**{key: value})))


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_any_line_at_all_is_an_event_or_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z"):
        event_from_json(text)


def test_a_path_is_one_text_however_often_it_is_read() -> None:
    reader = EventReader()
    first, again = (reader.read(line().encode()) for _ in range(2))
    assert first == again == event_from_json(line())
    assert first.path is again.path


def test_more_paths_than_are_remembered_are_read_as_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "_PATHS", 2)
    reader = EventReader()
    for name in ("a", "b", "c", "a", "x" * 1000, "a/../b", "a", "b"):
        if "../" in name:
            with pytest.raises(ValueError, match='"path"'):
                reader.read(line(path=name).encode())
        else:
            assert reader.read(line(path=name, op="rename", to=name).encode()).to == name


def test_keys_that_are_not_known_are_ignored() -> None:
    assert event_from_json(line(colour="green")) == Event(
        1760000000.25, Op.OPEN, "src/a.c", Process(4711, 4700, "cc1", 1000)
    )


def test_optional_keys_may_be_null() -> None:
    assert event_from_json(line(chain=None, sid=None)) == event_from_json(line())


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "..", "a/../../etc/passwd", "a//b", "a/", "./a", "a/.", "a\0b", "\ud800"],
)
def test_a_path_that_could_lead_outside_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match='"path"'):
        event_from_json(line(path=path))
    with pytest.raises(ValueError, match='"to"'):
        event_from_json(line(op="rename", to=path))


def test_names_with_newlines_and_bytes_that_are_not_utf8_are_kept() -> None:
    event = event_from_json(r'{"t":1,"pid":1,"ppid":0,"comm":"x","uid":0,"op":"open","path":"a\nb\udcff"}')
    assert event.path == "a\nb\udcff"


def test_two_spellings_of_the_same_bytes_are_one_name() -> None:
    assert event_from_json(line(path="\udcc3\udca9")).path == "é"


@pytest.mark.parametrize("t", ["now", None, True, -1, 1e300, float("nan"), float("inf"), [1]])
def test_a_time_that_is_none_is_refused(t: object) -> None:
    with pytest.raises(ValueError, match='"t"'):
        event_from_json(line(t=t))


@pytest.mark.parametrize("missing", sorted(PLAIN))
def test_a_missing_key_is_named(missing: str) -> None:
    with pytest.raises(ValueError, match=f'"{missing}" is missing'):
        event_from_json(json.dumps({key: value for key, value in PLAIN.items() if key != missing}))


def test_a_rename_needs_its_new_name() -> None:
    with pytest.raises(ValueError, match='"to" is missing'):
        event_from_json(line(op="rename"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"op": "stat"}, 'unknown op "stat"'),
        ({"pid": 2**32}, "out of range"),
        ({"pid": "1"}, "expected a whole number, found text"),
        ({"start": 2**63}, "out of range"),
        ({"comm": ["sh"]}, "expected text, found a list"),
        ({"chain": [[1]]}, "expected pairs"),
        ({"chain": [["1", "sh"]]}, "expected a whole number"),
        ({"args": "a b"}, "expected a list"),
        ({"chain_args": ["gcc"]}, "expected a list, found text"),
        ({"fds": [[1]]}, "expected pairs"),
        ({"neighbours": [7]}, "expected a list of objects"),
        ({"neighbours": [{"pid": 7, "streams": []}]}, '"args" is missing'),
    ],
)
def test_the_reason_of_a_refusal_is_said(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        event_from_json(line(**changes))


def test_deep_nesting_and_endless_numbers_do_no_harm() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        event_from_json("[" * 200_000)
    with pytest.raises(ValueError, match="not JSON"):
        event_from_json('{"t": ' + "9" * 10_000 + "}")


_PARTS = [
    (b"src/a.c", b"src/b.h"),
    (b"src/a.c", b"../a.c"),
    (b'"src/a.c"', b'"src/a.c", "to": "src/b.c"'),
    (b'"open"', b'"rename"'),
    (b'"open"', b'"stat"'),
    (b"1760000000.25", b"01"),
    (b"1760000000.25", b"99999999999999"),
    (b"1760000000.25", b"3"),
    (b"4711", b"true"),
    (b"cc1", b"\xff"),
    (b"cc1", b"\\u0041"),
    (b"}", b', "args": ["t"]}'),
    (b"}", b', "args": ["a"]}'),
    (b"}", b', "t": 5, "path": "other"}'),
    (b"}", b', "\\u0074": 5}'),
    (b"}", b""),
    (b"}", b"} \n"),
]


@given(st.lists(st.lists(st.sampled_from(_PARTS), max_size=3), min_size=2, max_size=12))
def test_what_a_reader_remembers_changes_nothing(log: list[list[tuple[bytes, bytes]]]) -> None:
    def outcome(read: Callable[[bytes], Event], raw: bytes) -> object:
        try:
            return read(raw)
        except ValueError as problem:
            return str(problem)

    reader = EventReader()
    for changes in log:
        raw = json.dumps(PLAIN).encode()
        for old, new in changes:
            raw = raw.replace(old, new)
        assert outcome(reader.read, raw) == outcome(event_from_json, raw)


@given(st.lists(events(), max_size=4))
def test_a_reader_reads_what_was_written(log: list[Event]) -> None:
    reader = EventReader()
    assert [reader.read(event_to_json(event).encode()) for event in log * 2] == log * 2
