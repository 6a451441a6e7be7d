"""Two users of one mount, neither of whom owns it, and how they work there."""

from __future__ import annotations

import os
from typing import Any

from tests.mount.actor import Identity
from tests.mount.inside import Finished, command
from tests.mount.mounted import Mounted, run

ALICE = Identity(1234, 1234, (1234,))
BOB = Identity(5, 60, (60,))  # games, on Debian


def by(user: Identity) -> dict[str, Any]:
    """How a program is run as this user."""
    environment = {"PATH": os.environ["PATH"]}
    return {"user": user.uid, "group": user.gid, "extra_groups": user.groups, "env": environment}


def work(mount: Mounted, user: Identity, commands: str) -> None:
    finished = run(["/bin/bash", "-c", commands], cwd=mount.mountpoint, **by(user))
    assert finished.returncode == 0, finished.stderr


def asked(mount: Mounted, user: Identity, *words: str, stdin: str = "") -> Finished:
    return command(user, *words, cwd=mount.mountpoint, stdin=stdin)
