"""Whether what was made is still well: mounts that should answer and record, databases to be read."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mycelial.cli.finding import Finding, State
from mycelial.cli.mounts import Mount, mounts
from mycelial.record.display import printable_word

_SEES_WITHIN = 2.0  # seconds that a mountpoint has to answer
_DIES_WITHIN = 0.5  # seconds; a request that the daemon has read cannot be killed
_LOOKS_FOR = 3.0  # seconds that are spent on a database
# In a process of its own: a daemon that hangs would hang this one beyond the reach of signals. It asks for
# statvfs, as the kernel may know the answer to stat. How full a read-only disk is means nothing.
_LOOK = """
import json, os, sys
try:
    disk = os.statvfs(sys.argv[1])
except OSError as e:
    print(json.dumps({"code": e.errno}))
    sys.exit()
full = disk.f_blocks and not disk.f_bavail or disk.f_files and not disk.f_favail
try:
    status = json.loads(os.getxattr(sys.argv[1], "user.mycelial.status"))
except PermissionError as e:  # statvfs tells those who may not enter nothing, and does not say so
    print(json.dumps({"code": e.errno}))
    sys.exit()
except (OSError, ValueError):
    status = None
print(json.dumps({"code": 0, "full": bool(full) and not disk.f_flag & os.ST_RDONLY, "status": status}))
"""
# Which process serves the connection of that number, and is stopped. Newer kernels tell (fs/fuse/dev.c).
_FIND_STOPPED = """
import contextlib, os, sys
for pid in filter(str.isdigit, os.listdir("/proc")):
    with contextlib.suppress(OSError, IndexError):
        with open(f"/proc/{pid}/stat", errors="replace") as stat:
            if stat.read().rpartition(")")[2].split()[0] not in "Tt":
                continue
        for number in os.listdir(f"/proc/{pid}/fdinfo"):
            with open(f"/proc/{pid}/fdinfo/{number}") as told:
                if f"fuse_connection:\\t{sys.argv[1]}\\n" in told.read():
                    sys.exit(print(pid))
"""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a mount, and what it says of itself.

    `code` is an errno; 0: it answers; None: not in time; ECHILD: nobody could look. `stopped` is the daemon's
    process id where it does not answer as somebody stopped it, else 0.
    """

    path: str
    code: int | None
    is_full: bool = False
    status: Mapping[str, object] = field(default_factory=dict)
    stopped: int = 0


def look_at_mounts(mountinfo: str) -> list[Look]:
    """Look at each FUSE mount of ours that `mountinfo` (see proc(5)) lists."""
    return [_look(mount) for mount in mounts(mountinfo)]


def check_mounts(looks: Sequence[Look]) -> list[Finding]:
    """Say whether each mount answers and records."""
    return [finding for look in looks for finding in _judged(look)] or [
        Finding("mount", State.OK, "nothing is mounted")
    ]


def databases_in_use(looks: Sequence[Look]) -> set[Path]:
    """Return the databases of those mounts that tell this user."""
    return {Path(str(look.status["database"])) for look in looks if "database" in look.status}


def _look(mount: Mount) -> Look:
    path = mount.path
    said = _told(_LOOK, path)
    if said is None:
        stopped = _told(_FIND_STOPPED, str(os.minor(mount.device))) or b""
        return Look(path, None, stopped=int(stopped) if stopped.strip().isdigit() else 0)
    if not said:
        return Look(path, errno.ECHILD)
    found = json.loads(said)
    if found["code"]:
        return Look(path, found["code"])
    is_ours = mount.owner == os.geteuid()
    status = found["status"] if is_ours else None  # what another one's daemon says leads nowhere
    return Look(path, 0, found["full"], status or {})


def _told(code: str, word: str) -> bytes | None:
    """Return what a program prints, nothing if it fails, None if it does not end in time."""
    looker = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code, word], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        said, _ = looker.communicate(timeout=_SEES_WITHIN)
    except subprocess.TimeoutExpired:
        looker.kill()
        with suppress(subprocess.TimeoutExpired):
            looker.communicate(timeout=_DIES_WITHIN)
        return None
    return b"" if looker.returncode else said


def _judged(look: Look) -> Iterator[Finding]:
    name, path = "mount", look.path
    if look.code is None and look.stopped:
        text = f"{path}: no answer within {_SEES_WITHIN:g} s, as its daemon is stopped"
        yield Finding(name, State.FAILED, text, f"kill -CONT {look.stopped}")
    elif look.code is None:
        yield Finding(
            name,
            State.FAILED,
            f"{path}: no answer within {_SEES_WITHIN:g} s",
            f"fusermount3 -uz {printable_word(path)}",
        )
    elif look.code == errno.ENOTCONN:
        yield Finding(
            name, State.FAILED, f"{path}: dead, its daemon is gone", f"fusermount3 -u {printable_word(path)}"
        )
    elif look.code == errno.EACCES:
        yield Finding(name, State.NOTE, f"{path}: another user's, who lets nobody in; ask him")
    elif look.code == errno.ECHILD:
        yield Finding(
            name, State.NOTE, f"{path}: could not be looked at: the process for it failed", "try again"
        )
    elif look.code:
        yield Finding(name, State.NOTE, f"{path}: {os.strerror(look.code)}")
    else:
        yield Finding(name, State.OK, f"{path}: answers")
        if look.is_full:
            yield Finding("source", State.FAILED, f"{path}: no room is left on the disk below", "make room")
        if look.status:
            yield _recording(path, look.status)


def _recording(path: str, status: Mapping[str, object]) -> Finding:
    """Say how it goes with the record of a mount that answers."""
    name = "recording"
    engine = status.get("engine")
    if not status.get("recording") or not isinstance(engine, Mapping):
        return Finding(name, State.OK, f"{path}: off, as wanted (--no-record)")
    state, reason = (
        engine.get("state"),
        engine.get("reason") or "it cannot be started; the system's log says why",
    )
    if state == "hung":
        return Finding(name, State.FAILED, f"{path}: {reason}", _awake(engine.get("pid")))
    if state == "busy":
        return Finding(name, State.NOTE, f"{path}: behind: {reason}")
    if state == "degraded":
        return Finding(name, State.FAILED, f"{path}: interrupted: {reason}", str(engine.get("mend", "")))
    if state in ("starting", "restarting"):
        return Finding(
            name,
            State.NOTE,
            f"{path}: the engine is {state}",
            f"mycelial status {printable_word(path)}, in a moment",
        )
    if status.get("paused"):
        return Finding(name, State.NOTE, f"{path}: paused", f"mycelial resume {printable_word(path)}")
    lost = engine.get("dropped")
    if isinstance(lost, int) and lost:
        return Finding(name, State.NOTE, f"{path}: goes on; {lost} events were lost since it was mounted")
    return Finding(name, State.OK, f"{path}: on")


def _awake(pid: object) -> str:
    """Return what makes an engine go on: a signal if it was stopped, another one in its place otherwise."""
    with suppress(OSError):
        stopped = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] in "Tt"
        return f"kill -CONT {pid}" if stopped else f"kill -9 {pid}; another one goes on where it was"
    return ""


def check_database(database: Path) -> Finding:
    """Say whether a database can be read, and has room to grow."""
    from mycelial.store.answers import Answers
    from mycelial.store.check import first_damage
    from mycelial.store.errors import OlderError, StoreError

    name = "database"
    try:
        with Answers.open(database, None) as answers:
            events = answers.status().get("events", 0)
        damage = first_damage(database, _LOOKS_FOR)
    except OlderError as problem:
        return Finding(name, State.NOTE, str(problem))
    except StoreError as problem:
        return Finding(name, State.FAILED, str(problem), problem.mend)
    if damage:
        more = f"mycelial check --db {printable_word(str(database))} says more"
        mend = f"{more}; a backup, or a new one: move it away"
        return Finding(name, State.FAILED, f"{database}: damaged: {damage}", mend)
    disk = os.statvfs(database.parent)
    if disk.f_flag & os.ST_RDONLY:
        mend = "make it writable, or keep it elsewhere (--db)"
        return Finding(name, State.FAILED, f"{database}: on a read-only filesystem", mend)
    if not disk.f_bavail:
        mend = "make room; recording then goes on by itself"
        return Finding(name, State.FAILED, f"{database}: the disk is full", mend)
    return Finding(name, State.OK, f"{database}: {events} events")
