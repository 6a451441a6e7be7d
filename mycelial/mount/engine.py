"""The mount's line to the engine: messages go one way, its state comes back, and a dead engine is replaced.

The mount never waits for the engine. Messages wait in the core, bounded, with those counted that had to be
dropped, until this side has them sent and the socket has room. The core keeps what was sent until the engine
says that it is stored: a new engine is given all that the old one had not. What that had been told of
processes stays here, in a file without a name.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import signal
import socket
import subprocess
import termios
import time
from array import array
from collections.abc import Callable, Sequence
from functools import partial

import trio

from mycelial import core
from mycelial.mount import child
from mycelial.mount.pulse import Pulse
from mycelial.record.told import Kind, Mute, Pause
from mycelial.record.wire import encode_mute, encode_number, encode_pause, kind_of_message

log = logging.getLogger(__name__)

_AFTER_CLOSE = 0.05  # seconds until the core has surely heard of it
_STALLED = 30.0  # seconds without taking a message though the socket is full: the engine hangs
_LOOKS_EVERY = 1.0  # seconds
_SILENT = 3.0  # seconds with something to read and no word: that is said
_HOPELESS = 300.0  # seconds of that: the engine is killed
_SHORTEST_PAUSE = 0.1  # seconds until a dead engine is started again, doubled if it dies soon
_LONGEST_PAUSE = 30.0  # seconds between two attempts to start it
_FLUSH = 10.0  # seconds without any progress that the engine has at the end
_LONGEST_FLUSH = 60.0  # seconds that it has in any case to store what is left
_TOLD = 3.0  # seconds that the engine has for storing what a user said, who waits for it
_STATUS_SIZE = 65536  # bytes
_MESSAGE_SIZE = 1 << 20  # bytes that a message may have


class Engine:
    """The engine process and the socket to it.

    Parameters
    ----------
    arguments : sequence of str
        Words after ``python -m mycelial.graph``; ``--fd`` is added.
    stderr : int or None
        Where it may complain, as for `subprocess.Popen`: a daemon must not hold on to the terminal.
    on_new_file : callable
        Called in a thread when the engine may have another file than before.
    """

    def __init__(
        self, arguments: Sequence[str], stderr: int | None, on_new_file: Callable[[], None] = lambda: None
    ) -> None:
        self._arguments = tuple(arguments)
        self._stderr = stderr
        self._on_new_file = on_new_file
        self._connect()
        self._announced = os.memfd_create("mycelial-processes", os.MFD_CLOEXEC)
        self._process: subprocess.Popen[bytes] | None = None
        self._restarts = 0
        self._state: dict[str, object] = {"state": "starting"}
        self._told: dict[int, trio.MemorySendChannel[bool]] = {}
        self._last_told = 0
        self._unheard: list[bytes] = []  # what users said to an engine that was gone
        self._something_sent = trio.Event()
        self._silent_since: float | None = None  # there is something to read, and the engine does not
        self._pulse: Pulse | None = None  # since then
        self._is_given_up = False
        self._waits_for_room = trio.Lock()

    def _connect(self) -> None:
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.setblocking(False)
        core.deliver_to(self._ours.fileno())

    def status(self) -> dict[str, object]:
        """What the engine said of itself last, its process id, and how often it was started again."""
        process = self._process
        state = {**self._state, "pid": process.pid if process else None, "restarts": self._restarts}
        if (seconds := self._silence()) is not None:
            state |= _silent(seconds, is_busy=self._is_busy())
        return state

    def is_paused(self, uid: int) -> bool:
        """Whether recording rests now, as its owner wanted, or that of what `uid` does, as he wanted."""
        users = self._state.get("paused_users")
        own = users.get(str(uid)) if isinstance(users, dict) else None
        return any(
            until == "resumed" or (isinstance(until, (int, float)) and time.time() < until)
            for until in (own, self._state.get("paused_until"))
        )

    async def run(self) -> None:
        """Keep an engine running and supplied, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._supervise)
            nursery.start_soon(self._deliver)
            nursery.start_soon(self._listen)
            nursery.start_soon(self._watch)

    def start(self) -> None:
        """Start the process. Must not be called on the loop's thread once the mount is there.

        Raises
        ------
        OSError
            if it cannot be started.
        """
        number, announced = self._theirs.fileno(), self._announced
        descriptors = ["--fd", str(number), "--announced", str(announced)]
        self._process = subprocess.Popen(
            child.command("mycelial.graph", *descriptors, *self._arguments),
            pass_fds=[number, announced],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            **child.surroundings(),
        )
        core.ignore_process(self._process.pid)

    async def _supervise(self) -> None:
        pause = _SHORTEST_PAUSE
        while True:
            if self._process is not None:
                began = trio.current_time()
                code = await self._ended(self._process)
                self._process = None
                core.announce_again()  # the next one knows those used last, not all
                log.warning("the engine ended (%s); it is started again", _describe(code))
                if trio.current_time() - began > _LONGEST_PAUSE:
                    pause = _SHORTEST_PAUSE
            self._state = {"state": "restarting"}
            await trio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            self._begin_anew()
            try:
                await trio.to_thread.run_sync(self.start)
            except OSError as problem:
                log.error("the engine cannot be started: %s", problem)
            else:
                self._restarts += 1

    def _begin_anew(self) -> None:
        """Give the next engine all that the last one had not stored, and what it must know for it."""
        with contextlib.suppress(BlockingIOError):
            while unread := self._theirs.recv(_MESSAGE_SIZE, socket.MSG_DONTWAIT):
                if kind_of_message(unread) in (Kind.MUTE, Kind.PAUSE):
                    self._unheard.append(unread)
        core.send_again()

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
            self._something_sent.set()
            await self._send_waiting()
            while self._unheard:
                await self._send(self._unheard.pop(0))

    async def _send_waiting(self) -> None:
        while not core.send_waiting():
            await self._wait_for_room()

    async def _answer_mark(self, number: int) -> None:
        """Tell the engine that it has all that happened before it asked."""
        await trio.sleep(_AFTER_CLOSE)  # a program may be done with its close a moment before we hear of it
        await self._send_waiting()
        await self._send(encode_number(Kind.MARK, number))

    async def _send(self, record: bytes) -> None:
        while True:
            try:
                self._ours.send(record)
                return
            except BlockingIOError:
                await self._wait_for_room()

    async def mute(self, uid: int, a: str, b: str) -> bool:
        """Have it stored that a user says that two files are not related; whether that was done.

        With both empty, he takes back all that he said so.
        """
        return await self._tell(lambda number: encode_mute(Mute(number, uid, a, b)))

    async def settle(self) -> bool:
        """Have stored what happened until now; whether that was done, which it is not if much else waits."""
        return self._silence() is None and await self._tell(partial(encode_number, Kind.SETTLE))

    async def pause(self, uid: int, until: float) -> bool:
        """Have nothing recorded of a user until then (0.0: all again); whether that was done."""
        await trio.sleep(_AFTER_CLOSE)
        return await self._tell(lambda number: encode_pause(Pause(number, uid, until)))

    async def _tell(self, encode: Callable[[int], bytes]) -> bool:
        """Say what a user said, after all that happened before, and wait for the answer to its number."""
        self._last_told += 1
        number = self._last_told
        self._told[number], answer = trio.open_memory_channel[bool](1)
        try:
            with trio.move_on_after(_TOLD):
                await self._send_waiting()
                await self._send(encode(number))
                return await answer.receive()
            return False
        finally:
            del self._told[number]

    async def _wait_for_room(self) -> None:
        async with self._waits_for_room:  # trio lets only one wait for a socket
            process = self._process
            pulse = Pulse(process.pid, time.monotonic()) if process is not None else None
            while True:
                with trio.move_on_after(_LOOKS_EVERY):
                    await trio.lowlevel.wait_writable(self._ours)
                    return
                if process is None or pulse is None or process is not self._process:
                    return  # it is asked again, of another one
                self._something_sent.set()  # and not read: so that it is watched
                pulse.look(now := time.monotonic())
                if pulse.stands_still(now) >= _STALLED:
                    log.warning("the engine has not read anything for %d s; it is killed", _STALLED)
                    process.send_signal(signal.SIGKILL)
                    return

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
                elif "told" in state:
                    if (waiting := self._told.get(state["told"])) is not None:
                        waiting.send_nowait(bool(state.get("done")))
                else:
                    self._silent_since = None
                    core.stored(int(state.pop("stored", 0)))
                    core.leave_out(_ended_names(state.pop("left_out", [])))
                    if self._report_change(state):
                        answering.start_soon(trio.to_thread.run_sync, self._on_new_file)
                    self._state = state

    async def _watch(self) -> None:
        """Notice an engine that lives and does not read."""
        said = False
        while True:
            if self._silent_since is None:  # all is quiet: nothing runs until there is something to read
                self._something_sent = trio.Event()
                await self._something_sent.wait()
            await trio.sleep(_LOOKS_EVERY)
            now = time.monotonic()
            if self._process is None or not self._unread():
                self._silent_since = None
            elif self._silent_since is None:
                self._silent_since, self._pulse = now, Pulse(self._process.pid, now)
            elif self._pulse is not None:
                self._pulse.look(now)
            seconds = self._silence()
            if (seconds is not None and not self._is_busy()) != said:
                said = not said
                reason = _silent(seconds or 0.0, is_busy=False)["reason"] if said else ""
                log.warning("recording is interrupted: %s" if said else "recording goes on%s", reason)
            if self._process is not None and self._silent_since and now - self._silent_since > _HOPELESS:
                self._process.send_signal(signal.SIGKILL)
                self._silent_since = None

    def _silence(self) -> float | None:
        """Return for how many seconds the engine has not read, where that is worth a word."""
        since = self._silent_since
        if since is None or (seconds := time.monotonic() - since) < _SILENT:
            return None
        return seconds

    def _is_busy(self) -> bool:
        """Whether an engine that does not read works, or waits for a processor or its disk: no hang."""
        return self._pulse is not None and self._pulse.stands_still(time.monotonic()) < _SILENT

    def _unread(self) -> int:
        """Return how much the engine has not taken from the socket yet, in bytes of the kernel's memory."""
        unread = array("i", [0])
        fcntl.ioctl(self._ours, termios.TIOCOUTQ, unread)  # SIOCOUTQ is the same number
        return unread[0]

    def _report_change(self, state: dict[str, object]) -> bool:
        """Say what is new; return whether the database may be another file than before."""
        if anew := state.get("replaced", 0) not in (0, self._state.get("replaced")):
            log.warning("the database was removed or replaced while it was in use, and is opened anew")
        if state.get("state") != self._state.get("state"):
            if state.get("state") == "degraded":
                log.warning("recording is interrupted: %s", state.get("reason"))
            elif self._state.get("state") == "degraded":
                log.warning("recording goes on")
        return anew or state.get("state") == "degraded"

    async def close(self) -> None:
        """Give the engine what is left and wait for its end, as long as it gets on with that.

        If it dies meanwhile, another one is given what it had not stored.
        """
        for _ in range(2):
            if self._process is None or self._process.poll() is not None:
                self._process = None
                self._begin_anew()
                try:
                    self.start()
                except OSError as problem:
                    log.error("the engine cannot be started: %s", problem)
            if self._process is None or await self._flush(self._process) == 0 or self._is_given_up:
                return
            for end in (self._ours, self._theirs):
                end.close()
            self._connect()

    async def _flush(self, process: subprocess.Popen[bytes]) -> int:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._listen)
            nursery.start_soon(self._kill_if_stuck, process)
            nursery.start_soon(self._hang_up)
            code = await self._ended(process)
            nursery.cancel_scope.cancel()
        return code

    async def _hang_up(self) -> None:
        with trio.move_on_after(_LONGEST_FLUSH):
            await self._send_waiting()
        self._ours.shutdown(socket.SHUT_WR)

    async def _kill_if_stuck(self, process: subprocess.Popen[bytes]) -> None:
        """Let the engine work as long as it gets on, within reason."""
        patient_until = trio.current_time() + _LONGEST_FLUSH
        before, now = None, self._backlog()
        pulse = Pulse(process.pid, trio.current_time())
        is_still = False
        while not (is_still and now == before) and trio.current_time() < patient_until:
            await trio.sleep(_FLUSH)
            looked = trio.current_time()
            pulse.look(looked)
            is_still = pulse.stands_still(looked) > 0
            before, now = now, self._backlog()
        log.warning("the engine does not end and is killed: what it had not stored is lost")
        self._is_given_up = True
        process.kill()

    def _backlog(self) -> object:
        """Return what changes while the engine works off what it was given."""
        return self._unread(), self._state.get("events"), self._state.get("waiting")


def _silent(seconds: float, *, is_busy: bool) -> dict[str, object]:
    """Return the state of an engine that has not read for so long, and the reason in words."""
    reason = f"the engine has not read anything for {seconds:.0f} s; events wait"
    if is_busy:
        return {"state": "busy", "reason": f"{reason} while it works, or waits for a processor or its disk"}
    return {"state": "hung", "reason": reason}


def _ended_names(names: object) -> bytes:
    return b"".join(os.fsencode(name) + b"\0" for name in names) if isinstance(names, list) else b""


def _describe(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"
