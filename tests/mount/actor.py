"""Run file operations in a process of their own, so that a mount that hangs never hangs the test suite.

An actor is a forked child that executes calls one at a time and keeps its descriptors, locks and working
directory between them. It can drop to another user first. When a call takes too long, the child is killed;
should it be stuck in the kernel, waiting for a filesystem's answer, it is left behind and ends when the
mount goes.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any


class ActorTimeout(AssertionError):
    """A call did not come back in time: the mount hangs."""


class ActorDied(AssertionError):
    """The child ended without an answer."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who runs the calls: filesystem ids are the process's real, effective and saved ones."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    def assume(self) -> None:
        os.setgroups(list(self.groups))
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)


def _receive_exactly(fd: int, count: int, deadline: float) -> bytes:
    parts = []
    while count:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            raise ActorTimeout("no answer in time: the filesystem under test hangs")
        part = os.read(fd, count)
        if not part:
            raise ActorDied("the process that ran the operation ended without an answer")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _send(fd: int, value: object) -> None:
    data = pickle.dumps(value)
    view = memoryview(struct.pack("<Q", len(data)) + data)
    while view:
        view = view[os.write(fd, view) :]


def _receive(fd: int, deadline: float) -> Any:
    (length,) = struct.unpack("<Q", _receive_exactly(fd, 8, deadline))
    return pickle.loads(_receive_exactly(fd, length, deadline))


class Actor:
    """A child process that executes module-level functions for the test."""

    def __init__(self, identity: Identity | None = None, timeout: float = 60.0) -> None:
        self.timeout = timeout
        request_read, self._request = os.pipe()
        self._reply, reply_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._request)
            os.close(self._reply)
            _serve(request_read, reply_write, identity)
        os.close(request_read)
        os.close(reply_write)

    def start(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Begin a call without waiting for its result (see `finish`)."""
        _send(self._request, (function, arguments))

    def finish(self, timeout: float | None = None) -> Any:
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        try:
            kind, value = _receive(self._reply, deadline)
        except ActorTimeout:
            os.kill(self.pid, signal.SIGKILL)
            raise
        if kind == "raised":
            raise value
        return value

    def call(self, function: Callable[..., Any], *arguments: Any, timeout: float | None = None) -> Any:
        self.start(function, *arguments)
        return self.finish(timeout)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            _send(self._request, None)
        for fd in (self._request, self._reply):
            with contextlib.suppress(OSError):
                os.close(fd)
        for attempt in range(200):
            try:
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    return
            except ChildProcessError:
                return
            if attempt == 100:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.001 if attempt < 90 else 0.05)

    def __enter__(self) -> Actor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _serve(request: int, reply: int, identity: Identity | None) -> None:
    """The child's life; never returns."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if identity is not None:
            identity.assume()
        while True:
            try:
                message = _receive(request, time.monotonic() + 600)
            except (ActorDied, ActorTimeout):
                break
            if message is None:
                break
            function, arguments = message
            try:
                answer = ("value", function(*arguments))
            except BaseException as error:
                answer = ("raised", error)
            try:
                _send(reply, answer)
            except (pickle.PicklingError, TypeError, AttributeError):
                _send(reply, ("raised", AssertionError(f"cannot be sent back: {answer!r}")))
    finally:
        os._exit(0)


def run_apart(
    function: Callable[..., Any], *arguments: Any, identity: Identity | None = None, timeout: float = 60.0
) -> Any:
    """One call in a child of its own."""
    with Actor(identity, timeout) as actor:
        return actor.call(function, *arguments)
