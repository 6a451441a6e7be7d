"""The mount's line to the engine: messages go one way, its state comes back, and a dead engine is replaced.

The mount never waits for the engine. The core sends messages as long as the socket has room; the others wait
there, bounded, with those counted that had to be dropped, until this side finds room again. The socket's
other end stays open here, so that a new engine goes on reading where the old one stopped.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

import trio

from mycelial import core
from mycelial.record.wire import Mute, encode_mark, encode_mute

log = logging.getLogger(__name__)

_AFTER_CLOSE = 0.05  # seconds until the core has surely heard of it
_STALLED = 30.0  # seconds without taking a message: the engine hangs
_LONGEST_PAUSE = 30.0  # seconds between two attempts to start it
_FLUSH = 5.0  # seconds that the engine has to store what is left, at the end
_MUTED = 3.0  # seconds that the engine has for storing what a user said, who waits for it
_STATUS_SIZE = 65536  # bytes


class Engine:
    """The engine process and the socket to it.

    Parameters
    ----------
    arguments : sequence of str
        Words after ``python -m mycelial.graph``; ``--fd`` is added.
    stderr : int or None
        Where it may complain, as for `subprocess.Popen`: a daemon must not hold on to the terminal.
    """

    def __init__(self, arguments: Sequence[str], stderr: int | None) -> None:
        self._arguments = tuple(arguments)
        self._stderr = stderr
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.setblocking(False)
        core.deliver_to(self._ours.fileno())
        self._process: subprocess.Popen[bytes] | None = None
        self._restarts = 0
        self._state: dict[str, object] = {"state": "starting"}
        self._mutes: dict[int, trio.MemorySendChannel[bool]] = {}
        self._last_mute = 0

    def status(self) -> dict[str, object]:
        """What the engine said of itself last, its process id, and how often it was started again."""
        process = self._process
        return {**self._state, "pid": process.pid if process else None, "restarts": self._restarts}

    @property
    def is_paused(self) -> bool:
        """Whether recording rests now, as its owner wanted."""
        until = self._state.get("paused_until")
        return until == "resumed" or (isinstance(until, (int, float)) and time.time() < until)

    async def run(self) -> None:
        """Keep an engine running and supplied, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._supervise)
            nursery.start_soon(self._deliver)
            nursery.start_soon(self._listen)

    def start(self) -> None:
        """Start the process. Must not be called on the loop's thread once the mount is there.

        Raises
        ------
        OSError
            if it cannot be started.
        """
        number = self._theirs.fileno()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mycelial.graph", "--fd", str(number), *self._arguments],
            # Not by its name: that could lie inside the mount, which must answer while this call waits.
            executable="/proc/self/exe",
            pass_fds=[number],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            cwd="/",
            # Where programs are wrapped, as on NixOS, Python alone does not know where the modules are.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        core.ignore_process(self._process.pid)

    async def _supervise(self) -> None:
        pause = 0.5
        while True:
            if self._process is not None:
                began = trio.current_time()
                code = await self._ended(self._process)
                self._process = None
                core.announce_again()  # the next one knows no process; who acts before it is there counts too
                log.warning("the engine ended (%s); it is started again", _describe(code))
                if trio.current_time() - began > _LONGEST_PAUSE:
                    pause = 0.5
            self._state = {"state": "restarting"}
            await trio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            try:
                await trio.to_thread.run_sync(self.start)
            except OSError as problem:
                log.error("the engine cannot be started: %s", problem)
            else:
                self._restarts += 1

    @staticmethod
    async def _ended(process: subprocess.Popen[bytes]) -> int:
        handle = os.pidfd_open(process.pid)
        try:
            await trio.lowlevel.wait_readable(handle)
        finally:
            os.close(handle)
        return process.wait()

    async def _deliver(self) -> None:
        wake = core.wake_fd()
        while True:
            await trio.lowlevel.wait_readable(wake)
            await self._send_waiting()

    async def _send_waiting(self) -> None:
        while (message := core.peek()) is not None:
            try:
                self._ours.send(message)
            except BlockingIOError:
                await self._wait_for_room()
            else:
                core.pop()

    async def _answer_mark(self, number: int) -> None:
        """Tell the engine that it has all that happened before it asked."""
        await trio.sleep(_AFTER_CLOSE)  # a program may be done with its close a moment before we hear of it
        await self._send_waiting()
        await self._send(encode_mark(number))

    async def _send(self, record: bytes) -> None:
        while True:
            try:
                self._ours.send(record)
                return
            except BlockingIOError:
                await self._wait_for_room()

    async def mute(self, uid: int, a: str, b: str) -> bool:
        """Have it stored that a user says that two files are not related; whether that was done."""
        self._last_mute += 1
        number = self._last_mute
        self._mutes[number], answer = trio.open_memory_channel[bool](1)
        try:
            with trio.move_on_after(_MUTED):
                await self._send_waiting()
                await self._send(encode_mute(Mute(number, uid, a, b)))
                return await answer.receive()
            return False
        finally:
            del self._mutes[number]

    async def _wait_for_room(self) -> None:
        with trio.move_on_after(_STALLED) as patience:
            await trio.lowlevel.wait_writable(self._ours)
        if patience.cancelled_caught and self._process is not None:
            log.warning("the engine has not read anything for %d s; it is killed", _STALLED)
            self._process.send_signal(signal.SIGKILL)

    async def _listen(self) -> None:
        async with trio.open_nursery() as answering:
            while True:
                await trio.lowlevel.wait_readable(self._ours)
                try:
                    message = self._ours.recv(_STATUS_SIZE)
                    state = json.loads(message)
                except (BlockingIOError, ValueError):
                    continue
                if not isinstance(state, dict):
                    continue
                if isinstance(state.get("mark"), int):
                    answering.start_soon(self._answer_mark, state["mark"])
                elif "muted" in state:
                    if (waiting := self._mutes.get(state["muted"])) is not None:
                        waiting.send_nowait(bool(state.get("done")))
                else:
                    self._report_change(state)
                    self._state = state

    def _report_change(self, state: dict[str, object]) -> None:
        if state.get("state") != self._state.get("state"):
            if state.get("state") == "degraded":
                log.warning("recording is interrupted: %s", state.get("reason"))
            elif self._state.get("state") == "degraded":
                log.warning("recording goes on")

    async def close(self) -> None:
        """Give the engine what is left and wait for its end, a few seconds at most."""
        if self._process is None:  # it died, and the next one was not due yet: what waits would be lost
            try:
                self.start()
            except OSError as problem:
                log.error("the engine cannot be started: %s", problem)
        process = self._process
        if process is None:
            return
        with trio.move_on_after(_FLUSH):
            await self._send_waiting()
        self._ours.shutdown(socket.SHUT_WR)
        with trio.move_on_after(_FLUSH) as patience:
            await self._ended(process)
        if patience.cancelled_caught:
            process.kill()
            process.wait()


def _describe(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"
