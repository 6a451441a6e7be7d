"""What a service manager is told of a mount: sd_notify(3), for units of systemd with Type=notify.

Messages are datagrams of KEY=VALUE lines to the socket that the environment names. Where no manager asked for
them, nothing is sent; a manager that has gone is no reason for the mount to fail.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, MutableMapping

import trio

_STATUS_EVERY = 2.0  # seconds
_LONGEST_STATUS = 500  # characters: it is one line in `systemctl status`
_MICROSECONDS = 1_000_000


class ServiceManager:
    """The manager that started this process, if it wants to hear of it.

    Parameters
    ----------
    environment : mutable mapping
        NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are taken out of it, as they are not meant for
        processes that are started later.

    Attributes
    ----------
    listens : bool
        Whether there is a manager to tell anything.
    watchdog : float or None
        Seconds within which it wants to hear again and again that the mount lives.
    """

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        address = environment.pop("NOTIFY_SOCKET", "")
        interval = environment.pop("WATCHDOG_USEC", "")
        # Whoever is not asked by number is not asked: a shell script that started us may be.
        asked = environment.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._address = _address(address)
        self._ready = trio.Event()
        self.listens = self._address is not None
        self.watchdog = (
            int(interval) / _MICROSECONDS
            if self.listens and asked and interval.isdecimal() and int(interval)
            else None
        )

    def ready(self, status: str) -> None:
        """The mount answers. The process is named, as a daemon that forked is not the one started."""
        self._ready.set()
        self._tell(f"READY=1\nMAINPID={os.getpid()}\nSTATUS={_one_line(status)}")

    def stopping(self, status: str) -> None:
        """The mount is about to end, because it was asked to."""
        self._tell(f"STOPPING=1\nSTATUS={_one_line(status)}")

    async def run(self, status: Callable[[], str]) -> None:
        """Keep the manager informed once the mount answers, until cancelled.

        This task shares its loop with the requests of the mount: if that hangs, the signs of life end.
        """
        if not self.listens:
            return
        await self._ready.wait()
        pause = min(_STATUS_EVERY, self.watchdog / 3) if self.watchdog else _STATUS_EVERY
        said, next_status = "", 0.0
        while True:
            message = ["WATCHDOG=1"] if self.watchdog else []
            if (now := time.monotonic()) >= next_status:
                next_status = now + _STATUS_EVERY
                if (text := _one_line(status())) != said:
                    said = text
                    message.append(f"STATUS={text}")
            if message:
                self._tell("\n".join(message))
            await trio.sleep(pause)

    def _tell(self, message: str) -> None:
        if self._address is None:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
        ):
            sender.setblocking(False)  # a manager that does not read must not hold up the mount
            sender.sendto(message.encode("utf-8", "replace"), self._address)


def state_in_words(recording: bool, engine: dict[str, object] | None, dropped: int) -> str:
    """Return the line that `systemctl status` shows: what a mount does, and what is wrong with it.

    Parameters
    ----------
    recording : bool
        Whether accesses are recorded at all.
    engine : dict or None
        What the engine said of itself last, with the number of its restarts.
    dropped : int
        Events that the core had no room for.
    """
    if not recording or engine is None:
        return "Serving; not recording"
    lost = dropped + _number(engine, "dropped")
    restarts = _number(engine, "restarts")
    match engine.get("state"):
        case "ok":
            text = f"Serving and recording; {_number(engine, 'events')} events"
        case "degraded":
            text = f"Serving; recording is interrupted: {engine.get('reason')}"
        case state:
            text = f"Serving; the engine is {state}"
    if lost:
        text += f"; {lost} lost"
    if restarts:
        text += f"; the engine was started again {restarts} times"
    return text


def _number(engine: dict[str, object], key: str) -> int:
    value = engine.get(key)
    return value if isinstance(value, int) else 0


def _address(text: str) -> str | None:
    """Return the socket's address as Python writes it: `@` stands for the abstract namespace's zero byte."""
    if text.startswith("@"):
        return "\0" + text[1:]
    return text if text.startswith("/") else None


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_STATUS]
