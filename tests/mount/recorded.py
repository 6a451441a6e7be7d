"""What a mount recorded, asked with the command that users have."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
from collections.abc import Callable
from typing import Any

from tests.mount.mounted import Mounted, installed, run, wait_until

Event = dict[str, Any]


def mycelial(*words: str | os.PathLike[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return run([installed("mycelial"), *words], **options)


def events(mount: Mounted) -> list[Event]:
    """The whole log of the mount, as `mycelial events` prints it."""
    finished = mycelial("events", "--json", "--db", mount.database)
    if finished.returncode:
        return []  # the engine has not made its database yet
    return [json.loads(line) for line in finished.stdout.splitlines()]


def latest_event(mount: Mounted) -> int | None:
    """The number of the latest event, if any; asked of SQLite, as starting a command takes longer."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{mount.database}?mode=ro", uri=True)) as connection:
            found: int | None = connection.execute("SELECT max(id) FROM event").fetchone()[0]
            return found
    except sqlite3.Error:
        return None


def wait_for_events(mount: Mounted, enough: Callable[[list[Event]], Any]) -> list[Event]:
    """The log, as soon as it satisfies the condition."""
    log: list[Event] = []
    seen = None

    def asked() -> bool:
        nonlocal seen
        latest = latest_event(mount)
        if latest is not None and latest == seen:
            return False
        log[:], seen = events(mount), latest
        return bool(enough(log))

    try:
        wait_until(asked)
    except AssertionError:
        lines = "\n".join(f"{e['op']} {e['path']} {e.get('to', '')} by {e['comm']}" for e in log)
        raise AssertionError(f"not recorded; the log has:\n{lines}") from None
    return log


def told(log: list[Event], path: str) -> list[str]:
    """What happened to a path, in order."""
    return [event["op"] for event in log if event["path"] == path]


def wait_for(mount: Mounted, op: str, path: str) -> Event:
    """The last event of that kind for that path, as soon as there is one."""
    log = wait_for_events(mount, lambda log: any(e["op"] == op and e["path"] == path for e in log))
    return [event for event in log if event["op"] == op and event["path"] == path][-1]


def shell(command: str, mount: Mounted, program: str = "/bin/bash", **options: Any) -> str:
    """Run a command line in the mount; its output."""
    finished = run([program, "-c", command], cwd=mount.mountpoint, **options)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout
