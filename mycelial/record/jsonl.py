"""The event log as people and other programs see it: one JSON object a line.

What a live mount recorded can be printed, kept, edited and replayed. A line may come from
anywhere, so reading one either yields an event that every later stage can rely on (clean paths,
finite times, integers that a database holds) or raises ValueError with the reason in one line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from math import isfinite
from typing import Any, TypeVar

from mycelial.record.events import Event, Neighbour, Op, Process, bytes_of, is_clean_path, text_of

_LARGEST_INTEGER = 2**63 - 1  # SQLite's
_LARGEST_ID = 2**32 - 1  # pid_t and uid_t fit
_LATEST_TIME = 253_402_214_400.0  # seconds; 9999-12-31, the last day that a calendar can show
_REMEMBERED = 4096  # processes
_PATHS = 32_768  # that are remembered, if they have no more than so many bytes
_LONGEST_PATH = 512
_T = TypeVar("_T")
_new = tuple.__new__  # what an Event's own does, without a call of it
_OPS = {op.value: op for op in Op}
_ALONE = {word.encode(): op for word, op in _OPS.items() if not op.has_target}
_WITH_TARGET = {word.encode(): op for word, op in _OPS.items() if op.has_target}
_TEXT = rb'[^"\\\x00-\x1f\x7f-\xff]*'
_IDS = rb'"pid": [0-9]+, "ppid": [0-9]+, "comm": "%b", "uid": [0-9]+' % _TEXT
_USUAL = re.compile(
    rb'\{"t": ((?:0|[1-9][0-9]{0,10})(?:\.[0-9]+)?), (%b), "op": "([a-z]+)"' % _IDS
    + rb', "path": "(%b)"(?:, "to": "(%b)")?(.*)' % (_TEXT, _TEXT)
)
_NOT_AGAIN = re.compile(rb'"(?:t|op|path|to)"')  # would overrule what stood before


def event_to_json(event: Event) -> str:
    """Return `event` as one line of ASCII without its newline; keys that are not known are left out."""
    process = event.process
    record: dict[str, object] = {
        "t": event.t,
        "pid": process.pid,
        "ppid": process.ppid,
        "comm": process.comm,
        "uid": process.uid,
        "op": event.op.value,
        "path": event.path,
    }
    if event.to is not None:
        record["to"] = event.to
    for key in ("chain", "pipe_in", "pipe_out", "chain_args", "fds", "same_input"):
        if value := getattr(process, key):
            record[key] = value
    for key in ("sid", "pgid", "start", "cgroup", "exe", "args", "cwd"):
        if (value := getattr(process, key)) is not None:
            record[key] = value
    if process.neighbours:
        record["neighbours"] = [
            {"pid": other.pid, "streams": other.streams, "args": other.args} for other in process.neighbours
        ]
    return json.dumps(record)


def event_from_json(line: str | bytes) -> Event:
    """Return the event that `line` holds.

    Raises
    ------
    ValueError
        with one line of text, if it holds none. Unknown keys are ignored.
    """
    return _event(line)


class EventReader:
    """Reads one log, line by line.

    Most lines are as :func:`event_to_json` writes them, and most of their processes say nothing new: of such
    a line only what is new is read, in a sixth of the time.  All others take the long way.
    """

    def __init__(self) -> None:
        self._processes: dict[bytes, Process] = {}  # by their part of a line
        self._paths = _Paths()

    def read(self, line: str | bytes) -> Event:
        """Return the event that `line` holds.

        Raises
        ------
        ValueError
            as :func:`event_from_json` does.
        """
        found = _USUAL.match(line) if isinstance(line, bytes) else None
        if found is None:
            return _event(line)
        t, ids, word, path, to, rest = found.groups()
        process = self._processes.get(ids + rest)
        if process is None:
            if b"\\" in rest or _NOT_AGAIN.search(rest):
                return _event(line)
            try:
                process = _process(json.loads(b"{%b%b" % (ids, rest)))
            except (ValueError, RecursionError):
                return _event(line)  # which says what is wrong with it
            if len(self._processes) >= _REMEMBERED:
                self._processes.clear()
            self._processes[ids + rest] = process
        paths = self._paths
        try:
            if to is None:
                return _new(Event, (float(t), _ALONE[word], paths[path], process, None))
            return _new(Event, (float(t), _WITH_TARGET[word], paths[path], process, paths[to]))
        except (KeyError, ValueError):
            return _event(line)


class _Paths(dict[bytes, str]):
    """Clean paths by what stands for them in a line: one text for each, however often it is read.

    So whoever looks it up later finds its hash worked out, and remembers no copy.
    """

    def __missing__(self, raw: bytes) -> str:
        path = raw.decode()
        if not is_clean_path(path):
            raise ValueError("not a path relative to the mount root")
        if len(raw) <= _LONGEST_PATH:
            if len(self) >= _PATHS:
                self.clear()
            self[raw] = path
        return path


def _event(line: str | bytes) -> Event:
    try:
        record = json.loads(line)
    except RecursionError:
        raise ValueError("not an event: nested too deeply") from None
    except ValueError as problem:
        raise ValueError(f"not JSON: {_one_line(str(problem))}") from None
    if not isinstance(record, dict):
        raise ValueError(f"not an event: expected an object, found {_kind(record)}")
    word = _required(record, "op", _text)
    op = _OPS.get(word)
    if op is None:
        raise ValueError(f"unknown op {_quote(word)}")
    return Event(
        t=_required(record, "t", _time),
        op=op,
        path=_required(record, "path", _path),
        process=_process(record),
        to=_required(record, "to", _path) if op.has_target else None,
    )


def _process(record: dict[str, Any]) -> Process:
    given = record.get
    return Process(
        _id_of(record, "pid"),
        _id_of(record, "ppid"),
        _text_of(record, "comm"),
        _id_of(record, "uid"),
        () if given("chain") is None else _required(record, "chain", _chain),
        () if given("pipe_in") is None else _required(record, "pipe_in", _texts),
        () if given("pipe_out") is None else _required(record, "pipe_out", _texts),
        None if given("sid") is None else _id_of(record, "sid"),
        None if given("pgid") is None else _id_of(record, "pgid"),
        None if given("start") is None else _required(record, "start", _integer),
        None if given("cgroup") is None else _text_of(record, "cgroup"),
        None if given("exe") is None else _text_of(record, "exe"),
        None if given("args") is None else _required(record, "args", _texts),
        None if given("cwd") is None else _text_of(record, "cwd"),
        () if given("chain_args") is None else _required(record, "chain_args", _command_lines),
        () if given("fds") is None else _required(record, "fds", _chain),
        () if given("neighbours") is None else _required(record, "neighbours", _neighbours),
        0 if given("same_input") is None else _id_of(record, "same_input"),
    )


def _id_of(record: dict[str, Any], key: str) -> int:
    value = record.get(key)
    return value if type(value) is int and 0 <= value <= _LARGEST_ID else _required(record, key, _id)


def _text_of(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    return value if type(value) is str and value.isascii() else _required(record, key, _text)


def _required(record: dict[str, Any], key: str, check: Callable[[object], _T]) -> _T:
    if key not in record:
        raise ValueError(f"{_quote(key)} is missing")
    try:
        return check(record[key])
    except ValueError as problem:
        raise ValueError(f"{_quote(key)}: {problem}") from None


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"expected seconds, found {_kind(value)}")
    if not 0 <= value <= _LATEST_TIME or not isfinite(value):
        raise ValueError("expected seconds since 1970")
    return float(value)


def _integer(value: object, largest: int = _LARGEST_INTEGER) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"expected a whole number, found {_kind(value)}")
    if not 0 <= value <= largest:
        raise ValueError("number out of range")
    return value


def _id(value: object) -> int:
    return _integer(value, _LARGEST_ID)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, found {_kind(value)}")
    if value.isascii():
        return value
    try:
        # There and back: one spelling for each sequence of bytes, however the line escaped it.
        return text_of(bytes_of(value))
    except UnicodeEncodeError:
        raise ValueError(f"{_quote(value)} cannot be a name: it has a lone surrogate") from None


def _path(value: object) -> str:
    path = _text(value)
    if not is_clean_path(path):
        raise ValueError(f"{_quote(path)} is not a path relative to the mount root")
    return path


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"expected a list, found {_kind(value)}")
    return tuple([item if type(item) is str and item.isascii() else _text(item) for item in value])


def _chain(value: object) -> tuple[tuple[int, str], ...]:
    if type(value) is list:  # nearly always of such pairs
        links = [
            (link[0], link[1])
            for link in value
            if type(link) is list
            and len(link) == 2
            and type(link[0]) is int
            and 0 <= link[0] <= _LARGEST_ID
            and type(link[1]) is str
            and link[1].isascii()
        ]
        if len(links) == len(value):
            return tuple(links)
    if not isinstance(value, list):
        raise ValueError(f"expected a list, found {_kind(value)}")
    if not all(isinstance(link, list) and len(link) == 2 for link in value):
        raise ValueError("expected pairs of number and text")
    return tuple([(_id(pid), _text(comm)) for pid, comm in value])


def _command_lines(value: object) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list):
        raise ValueError(f"expected a list, found {_kind(value)}")
    return tuple(_texts(item) for item in value)


def _neighbours(value: object) -> tuple[Neighbour, ...]:
    if not isinstance(value, list):
        raise ValueError(f"expected a list, found {_kind(value)}")
    if not all(isinstance(item, dict) for item in value):
        raise ValueError("expected a list of objects")
    return tuple(
        Neighbour(
            _required(item, "pid", _id), _required(item, "streams", _texts), _required(item, "args", _texts)
        )
        for item in value
    )


def _kind(value: object) -> str:
    names: dict[type, str] = {dict: "an object", list: "a list", str: "text", bool: "a truth value"}
    return "nothing" if value is None else names.get(type(value), "a number")


def _quote(text: str) -> str:
    """Return `text` for a message: in quotes, on one line, not endless."""
    return json.dumps(text if len(text) <= 80 else text[:77] + "...")


def _one_line(text: str) -> str:
    return " ".join(text.split())
