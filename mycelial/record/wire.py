"""The binary records in which the C core hands events to the engine, and their decoding.

A record is small because what does not change is sent once: a PROCESS record gives a process a
number, later records name the number. One message holds one or more whole records. All integers
are little endian. Header, 24 bytes::

    u32 size (whole record, a multiple of 8, zero padded) | u16 kind | u16 flags
    u32 process | u32 uid | u64 time (nanoseconds since the epoch)

PROCESS: u32 pid, ppid, pgid, sid, u64 start, then twelve fields, each u16 length and its bytes:
comm, exe, cwd, cgroup, cmdline, chain, pipe_in, pipe_out, chain_args, fds, neighbours, same_input (in
digits). Lists are NUL terminated; the chain's items are pid and comm in turn, those of fds number and
target. chain_args and neighbours hold lists, each with its own u16 length: command lines of the nearest
ancestors, and of the other parts of a pipeline pid, targets of standard input, output and error, and
command line.
Events: u16 length of the path, u16 length of the second path, and both.
DROPPED: u64 number of events that were lost here.
MARK: u64 number that the reader asked for; all that happened before the question stands before it.
MUTE: u64 number, then two paths as in an event: the user says that these are not related; both empty: takes
back all that he said so.
SETTLE: u64 number: what happened before is to be stored now, as somebody asks about it.
PAUSE: u64 number, f64 seconds since the epoch: until then nothing that this user does is recorded; 0: go on.
SERIAL: u64 number of the message that it begins. These grow; one that was not stored is sent again, with
the same number, to an engine that was started since.
"""

from __future__ import annotations

import contextlib
import struct
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal

from mycelial.record.announced import Announced
from mycelial.record.events import CUT, Event, Neighbour, Op, Process, bytes_of, is_clean_path, text_of
from mycelial.record.told import Dropped, Kind, Mark, Mute, Pause, Serial, Settle, Told

_HEADER = struct.Struct("<IHHIIQ")
_PROCESS = struct.Struct("<IIIIQ")
_LENGTH = struct.Struct("<H")
_LENGTHS = struct.Struct("<HH")
_COUNT = struct.Struct("<Q")
_TIMED = struct.Struct("<Qd")
_FIELDS = 12
_LONGEST_FIELD = 0xFFFF
_STREAMS = 3  # standard input, output and error
_NANOSECONDS = 1e9  # in a second
_LARGEST_INTEGER = 2**63 - 1  # a database holds no larger one

PROCESSES_KEPT = 16384
"""How many numbers a decoder remembers; the one not used for longest goes first."""

BYTES_KEPT = 24 << 20
"""Bytes that the records of these have altogether: a command line of thousands of words takes much memory."""

_SHARED = 1024  # fields that are remembered, as many processes have the same ancestors, programs and streams
_text = lru_cache(maxsize=_SHARED)(text_of)


_OPS: dict[int, Op] = {
    Kind.OPEN: Op.OPEN,
    Kind.EXEC: Op.EXEC,
    Kind.CREATE: Op.CREATE,
    Kind.WRITE: Op.WRITE,
    Kind.RENAME: Op.RENAME,
    Kind.LINK: Op.LINK,
    Kind.UNLINK: Op.UNLINK,
    Kind.READ: Op.READ,
}
_KINDS = {op: Kind(kind) for kind, op in _OPS.items()}


class WireDecoder:
    """Turns messages into events; remembers the processes that were announced.

    One decoder belongs to one connection: numbers are the sender's. One that was never announced here yields
    a process of which nothing is known.

    Parameters
    ----------
    announced : Announced, optional
        What was announced to earlier readers of the connection, and where what comes is kept for later ones.
    """

    def __init__(self, announced: Announced | None = None) -> None:
        self._processes: OrderedDict[int, Process] = OrderedDict()
        self._sizes: dict[int, int] = {}  # of their records
        self._size = 0
        self._announced = announced
        if announced is not None:
            announced.go_on_after(self._restore(announced.read()))

    def feed(self, message: bytes) -> Iterator[Told]:
        """Yield what `message` holds, in order; kinds of record that are not known are skipped.

        Raises
        ------
        ValueError
            if it is malformed. What stood before the malformed record was yielded.
        """
        for record, kind, number, uid, time_ns in _records(message):
            body = record[_HEADER.size :]
            if (op := _OPS.get(kind)) is not None:  # most are
                if (event := _event(op, body, self._process(number, uid), time_ns)) is not None:
                    yield event
            elif kind == Kind.PROCESS:
                is_new = number not in self._processes
                self._remember(number, _process(body, uid), len(record))
                if self._announced is not None and is_new:
                    self._announced.keep(record, self._latest)
            elif kind == Kind.DROPPED:
                yield Dropped(min(_unpack(_COUNT, body)[0], _LARGEST_INTEGER))
            elif kind in (Kind.MARK, Kind.SETTLE):
                yield (Mark if kind == Kind.MARK else Settle)(_unpack(_COUNT, body)[0])
            elif kind == Kind.SERIAL:
                yield Serial(min(_unpack(_COUNT, body)[0], _LARGEST_INTEGER))
            elif kind == Kind.PAUSE:
                told, until = _unpack(_TIMED, body)
                if until >= 0:  # which is no time, if it is no number
                    yield Pause(int(told), uid, until)
            elif kind == Kind.MUTE:
                a, b = _paths(body[_COUNT.size :])
                if (is_clean_path(a) and is_clean_path(b)) or not (a or b):
                    yield Mute(_unpack(_COUNT, body)[0], uid, a, b)

    def _restore(self, kept: bytes) -> int:
        """Remember what was announced before; return the size of what could be read, in bytes."""
        size = 0
        with contextlib.suppress(ValueError):
            for record, _, number, uid, _ in _records(kept):
                self._remember(number, _process(record[_HEADER.size :], uid), len(record))
                size += len(record)
        return size

    def _latest(self) -> Iterator[bytes]:
        return (encode_process(number, process) for number, process in reversed(self._processes.items()))

    def _remember(self, number: int, process: Process, size: int) -> None:
        self._processes[number] = process
        self._processes.move_to_end(number)
        self._size += size - self._sizes.get(number, 0)
        self._sizes[number] = size
        while len(self._processes) > PROCESSES_KEPT or self._size > BYTES_KEPT:
            oldest, _ = self._processes.popitem(last=False)
            self._size -= self._sizes.pop(oldest)

    def _process(self, number: int, uid: int) -> Process:
        process = self._processes.get(number)
        if process is None:
            return Process(pid=0, ppid=0, comm="?", uid=uid)
        self._processes.move_to_end(number)
        return process if process.uid == uid else process._replace(uid=uid)


def _records(message: bytes) -> Iterator[tuple[memoryview, int, int, int, int]]:
    """Yield each whole record with its kind, process, user and time."""
    view = memoryview(message)
    while view:
        if len(view) < _HEADER.size:
            raise ValueError("malformed message: cut off in a header")
        size, kind, _flags, number, uid, time_ns = _HEADER.unpack_from(view)
        if size < _HEADER.size or size % 8 or size > len(view):
            raise ValueError(f"malformed message: a record of {size} bytes in {len(view)}")
        yield view[:size], kind, number, uid, time_ns
        view = view[size:]


def encode_process(number: int, process: Process, time_ns: int = 0) -> bytes:
    """Return the record that announces `process` under `number`. Fields are cut at 65535 bytes."""
    args = process.args or ()
    fields = (
        bytes_of(process.comm),
        bytes_of(process.exe or ""),
        bytes_of(process.cwd or ""),
        bytes_of(process.cgroup or ""),
        _terminated(args),
        _terminated(item for pid, comm in process.chain for item in (str(pid), comm)),
        _terminated(process.pipe_in),
        _terminated(process.pipe_out),
        _counted(process.chain_args),
        _terminated(item for fd, target in process.fds for item in (str(fd), target)),
        _counted((str(n.pid), *_streams(n.streams), *n.args) for n in process.neighbours),
        str(process.same_input).encode(),
    )
    known = (process.pid, process.ppid, process.pgid or 0, process.sid or 0, process.start or 0)
    body = bytearray(_PROCESS.pack(*known))
    for field in fields:
        field = field[:_LONGEST_FIELD]
        body += _LENGTH.pack(len(field)) + field
    return _record(Kind.PROCESS, number, process.uid, time_ns, bytes(body))


def encode_event(number: int, event: Event) -> bytes:
    """Return the record of `event`, caused by the process announced as `number`."""
    path, to = bytes_of(event.path), bytes_of(event.to or "")
    body = _LENGTHS.pack(len(path), len(to)) + path + to
    return _record(_KINDS[event.op], number, event.process.uid, round(event.t * 1e9), body)


def encode_dropped(count: int, time_ns: int = 0) -> bytes:
    """Return the record that says how many events are missing."""
    return _record(Kind.DROPPED, 0, 0, time_ns, _COUNT.pack(count))


def encode_number(kind: Literal[Kind.MARK, Kind.SERIAL, Kind.SETTLE], number: int) -> bytes:
    """Return a record that holds a number alone."""
    return _record(kind, 0, 0, 0, _COUNT.pack(number))


def kind_of_message(message: bytes) -> int:
    """Return the kind of a message's first record; 0 if there is none."""
    return int(_HEADER.unpack_from(message)[1]) if len(message) >= _HEADER.size else 0


def encode_mute(mute: Mute) -> bytes:
    """Return the record of what a user said."""
    a, b = bytes_of(mute.a), bytes_of(mute.b)
    body = _COUNT.pack(mute.number) + _LENGTHS.pack(len(a), len(b)) + a + b
    return _record(Kind.MUTE, 0, mute.uid, 0, body)


def encode_pause(pause: Pause) -> bytes:
    """Return the record of until when a user wants to rest."""
    return _record(Kind.PAUSE, 0, pause.uid, 0, _TIMED.pack(pause.number, pause.until))


def _record(kind: Kind, number: int, uid: int, time_ns: int, body: bytes) -> bytes:
    size = (_HEADER.size + len(body) + 7) // 8 * 8
    return (_HEADER.pack(size, kind, 0, number, uid, time_ns) + body).ljust(size, b"\0")


def _paths(body: memoryview) -> tuple[str, str]:
    """Return the two paths (the second may be empty) that a record ends with."""
    path_length, to_length = _unpack(_LENGTHS, body)
    if len(body) < _LENGTHS.size + path_length + to_length:
        raise ValueError("malformed message: a path longer than its record")
    start = _LENGTHS.size
    raw = bytes(body[start : start + path_length + to_length])
    return (text_of(raw), "") if not to_length else (text_of(raw[:path_length]), text_of(raw[path_length:]))


def _event(op: Op, body: memoryview, process: Process, time_ns: int) -> Event | None:
    """Return the event, or None if its paths cannot be files of the mount (its root has no name)."""
    path, to = _paths(body)
    if not is_clean_path(path) or (op.has_target and not is_clean_path(to)):
        return None
    return Event(time_ns / _NANOSECONDS, op, path, process, to if op.has_target else None)


def _process(body: memoryview, uid: int) -> Process:
    pid, ppid, pgid, sid, start = _unpack(_PROCESS, body)
    fields: list[bytes] = []
    raw, end = bytes(body), _PROCESS.size
    for _ in range(_FIELDS):
        begin = end + _LENGTH.size
        end = begin + int.from_bytes(raw[end:begin], "little")
        if end > len(raw) or begin > len(raw):
            raise ValueError("malformed message: a field longer than its record")
        fields.append(raw[begin:end])
    comm, exe, cwd, cgroup, cmdline, chain, pipe_in, pipe_out, chain_args, fds, neighbours, same_input = (
        fields
    )
    return Process(
        pid=pid,
        ppid=ppid,
        comm=_text(comm),
        uid=uid,
        chain=_chain(chain),
        pipe_in=_items(pipe_in),
        pipe_out=_items(pipe_out),
        sid=sid or None,
        pgid=pgid or None,
        start=start if 0 < start <= _LARGEST_INTEGER else None,
        cgroup=_text(cgroup) or None,
        exe=_text(exe) or None,
        args=_line(cmdline) or None,
        cwd=_text(cwd) or None,
        chain_args=tuple(_shared_line(one) for one in _lists(chain_args)),
        fds=_chain(fds),
        neighbours=tuple(_neighbours(neighbours)),
        same_input=_count(same_input),
    )


@lru_cache(maxsize=_SHARED)
def _chain(raw: bytes) -> tuple[tuple[int, str], ...]:
    items = _items(raw)
    pairs = zip(items[::2], items[1::2], strict=False)
    return tuple(
        (int(pid), comm) for pid, comm in pairs if len(pid) <= 10 and pid.isascii() and pid.isdigit()
    )


def _count(digits: bytes) -> int:
    return int(digits) if digits.isdigit() and len(digits) <= 10 else 0


def _neighbours(raw: bytes) -> Iterator[Neighbour]:
    for one in _lists(raw):
        pid, *rest = _line(one) or ("",)
        if pid.isascii() and pid.isdigit() and len(pid) <= 10:
            yield Neighbour(int(pid), _streams(tuple(rest)), tuple(rest[_STREAMS:]))


def _streams(streams: tuple[str, ...]) -> tuple[str, ...]:
    return (*streams, *("",) * _STREAMS)[:_STREAMS]


def _lists(raw: bytes) -> Iterator[bytes]:
    """Yield what stands behind each length; what is cut off at the end is left out."""
    while len(raw) >= _LENGTH.size:
        end = _LENGTH.size + _LENGTH.unpack_from(raw)[0]
        if end > len(raw):
            return
        yield raw[_LENGTH.size : end]
        raw = raw[end:]


def _counted(lists: Iterable[tuple[str, ...]]) -> bytes:
    joined = b""
    for one in lists:
        raw = _terminated_line(one)[:_LONGEST_FIELD]
        joined += _LENGTH.pack(len(raw)) + raw
    return joined


def _items(raw: bytes) -> tuple[str, ...]:
    return tuple(map(text_of, raw.removesuffix(b"\0").split(b"\0"))) if raw else ()


def _line(raw: bytes) -> tuple[str, ...]:
    """Return the words of a command line; one of which there was more than was told ends without a NUL."""
    items = _items(raw)
    return (*items, CUT) if items and not raw.endswith(b"\0") else items


_shared_line = lru_cache(maxsize=_SHARED)(_line)


def _terminated(items: Iterable[str]) -> bytes:
    return b"".join(bytes_of(item) + b"\0" for item in items)


_terminated_line = lru_cache(maxsize=_SHARED)(_terminated)  # those of ancestors are the same again and again


def _unpack(layout: struct.Struct, body: memoryview) -> tuple[int, ...]:
    if len(body) < layout.size:
        raise ValueError("malformed message: a record that is too short")
    return layout.unpack_from(body)
