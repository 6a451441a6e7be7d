"""Whether what was made is still well: mounts that should answer, databases that should be readable."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from mycelial.cli.finding import Finding, State

_SEES_WITHIN = 2.0  # seconds that a mountpoint has to answer
_DIES_WITHIN = 0.5  # seconds; a request that the daemon has read cannot be killed
# statvfs, as the kernel may know the answer to stat
_STAT = "import os, sys\ntry: os.statvfs(sys.argv[1])\nexcept OSError as e: sys.exit(e.errno)"


def check_mounts(mountinfo: str) -> list[Finding]:
    """Look whether each FUSE mount of ours that `mountinfo` (see proc(5)) lists still answers."""
    return [_check_mount(path) for path in mountpoints(mountinfo)] or [
        Finding("mount", State.OK, "nothing is mounted")
    ]


def _check_mount(path: str) -> Finding:
    # In a process of its own: a daemon that hangs would hang this one beyond the reach of signals.
    looker = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _STAT, path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        code = looker.wait(_SEES_WITHIN)
    except subprocess.TimeoutExpired:
        looker.kill()
        with suppress(subprocess.TimeoutExpired):
            looker.wait(_DIES_WITHIN)
        mend = f"fusermount3 -uz {path}"
        return Finding("mount", State.FAILED, f"{path}: no answer within {_SEES_WITHIN:g} s", mend)
    if code == errno.ENOTCONN:
        return Finding("mount", State.FAILED, f"{path}: dead, its daemon is gone", f"fusermount3 -u {path}")
    if code:
        return Finding("mount", State.NOTE, f"{path}: {os.strerror(code)}")
    return Finding("mount", State.OK, f"{path}: answers")


def check_database(database: Path) -> Finding:
    """Say whether a database can be read."""
    from mycelial.store.answers import Answers
    from mycelial.store.errors import StoreError

    try:
        with Answers.open(database, None) as answers:
            events = answers.status().get("events", 0)
    except StoreError as problem:
        return Finding("database", State.FAILED, str(problem), problem.mend)
    return Finding("database", State.OK, f"{database}: {events} events")


def mountpoints(mountinfo: str) -> list[str]:
    """Return where filesystems of type ``fuse.mycelial`` are mounted."""
    found = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if after.split(" ")[0] == "fuse.mycelial" and len(fields) > 4:
            found.append(_unescaped(fields[4]))
    return found


def _unescaped(field: str) -> str:
    """Undo the kernel's octal escapes of white space and backslashes (seq_path in fs/seq_file.c)."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
