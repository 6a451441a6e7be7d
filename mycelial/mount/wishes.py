"""What a user may want of the record through the mount, as the database itself is out of his reach.

Each wish is about what he did himself, and about nobody else: he takes back what he said to be unrelated,
lets nothing be recorded of him for a while, or has it forgotten. He says so with attributes of the view
directory; the kernel says who he is.
"""

from __future__ import annotations

import errno
import logging
import math
import time

import trio

from mycelial.mount import child
from mycelial.mount.engine import Engine

log = logging.getLogger(__name__)

MUTES = b"user.mycelial.mutes"
"""Removed: nothing that he said to be unrelated is so any longer."""

PAUSED = b"user.mycelial.paused"
"""Set to seconds since the epoch, or "inf": nothing is recorded of him until then. Removed: it is again."""

FORGET = b"user.mycelial.forget"
"""Set to a JSON object, see `mycelial.graph.own`: what it selects of his events is forgotten."""

RESTS = 10.0
"""How many times as long as his forgetting took a user waits for the next: events wait meanwhile."""

_USAGE = 2  # the exit status of who was asked for what cannot be


class Wishes:
    """Has them fulfilled.

    Parameters
    ----------
    engine : Engine
        What records for the mount.
    database : str
        Where it does.
    """

    def __init__(self, engine: Engine, database: str) -> None:
        self._engine = engine
        self._database = database
        self._is_forgetting = False
        self._rest_until: dict[int, float] = {}

    async def mute(self, uid: int, a: str, b: str) -> None:
        """Have it stored that two files are not related for this user. Raises OSError."""
        _require(await self._engine.mute(uid, a, b))

    async def unset(self, uid: int, name: bytes) -> None:
        """Do what the removal of an attribute stands for. Raises OSError."""
        if name == MUTES:
            _require(await self._engine.mute(uid, "", ""))
        elif name == PAUSED:
            _require(await self._engine.pause(uid, 0.0))
        else:
            raise OSError(errno.EROFS, "nothing that can be changed")

    async def set(self, uid: int, name: bytes, value: bytes) -> None:
        """Do what an attribute with this value stands for. Raises OSError."""
        if name == PAUSED:
            _require(await self._engine.pause(uid, _moment(value)))
        elif name == FORGET:
            await self._forget(uid, value)
        else:
            raise OSError(errno.EROFS, "nothing that can be changed")

    async def _forget(self, uid: int, wanted: bytes) -> None:
        """Have it done by a process of its own, which asks the engine to stand aside; one at a time."""
        if self._is_forgetting or time.monotonic() < self._rest_until.get(uid, 0.0):
            raise OSError(errno.EBUSY, "in a while")
        self._is_forgetting = True
        began = time.monotonic()
        try:
            done = await trio.run_process(
                child.command("mycelial.graph.own", "--db", self._database, "--uid", str(uid)),
                stdin=wanted,
                capture_stderr=True,
                check=False,
                **child.surroundings(),
            )
        finally:
            self._is_forgetting = False
            now = time.monotonic()
            self._rest_until = {one: until for one, until in self._rest_until.items() if until > now}
            self._rest_until[uid] = now + RESTS * (now - began)
        if done.returncode:
            if done.returncode != _USAGE:
                log.warning("forgetting for user %d: %s", uid, done.stderr.decode(errors="replace").strip())
            raise OSError(errno.EINVAL if done.returncode == _USAGE else errno.EIO, "it was not done")


def _require(is_done: bool) -> None:
    if not is_done:
        raise OSError(
            errno.EIO, "it could not be stored"
        )  # not EAGAIN, which setxattr(2) does not let through


def _moment(value: bytes) -> float:
    try:
        until = float(value)
    except ValueError:
        until = math.nan
    if not until > 0:
        raise OSError(errno.EINVAL, "no time")
    return until
