"""A mount in the foreground, whose words can be counted."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted, mounted_at, wait_until


@dataclass(frozen=True, slots=True)
class Foreground:
    """A mount that runs with -f, and what it says on its standard error."""

    mount: Mounted
    process: subprocess.Popen[bytes]
    log: Path

    def said(self, words: str) -> int:
        """How many lines have these words."""
        return sum(words in line for line in self.log.read_text(errors="replace").splitlines())

    def use(self, name: str) -> None:
        """Write and read a file; both must work."""
        assert run_apart(written_and_read, self.mount.mountpoint / name, timeout=60) == name
        assert (self.mount.source / name).read_text() == name

    def engine(self) -> dict[str, object]:
        status: dict[str, object] = self.mount.status()["engine"]
        return status

    def is_recorded(self, name: str) -> bool:
        return is_recorded(self.mount.database, name)

    def wait_for_record(self, name: str) -> None:
        """Wait until a file's use is in the log, and nothing is amiss."""
        wait_until(lambda: self.is_recorded(name), what=f"{name} recorded")
        wait_until(lambda: self.engine()["state"] == "ok", what="the state ok")


def written_and_read(path: Path) -> str:
    path.write_text(path.name)
    return path.read_text()


def is_recorded(database: Path, name: str) -> bool:
    """Whether the log in a database names a file; asked of SQLite, as starting a command takes longer."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("SELECT 1 FROM events WHERE path = ?", (name,)).fetchone())
    except sqlite3.Error:
        return False


@contextlib.contextmanager
def in_foreground(mount: Mounted) -> Iterator[Foreground]:
    """Start the mount of a directory (see `Mounted`), and unmount it at the end."""
    for place in (mount.source, mount.mountpoint, mount.database.parent):
        place.mkdir(exist_ok=True, parents=True)
    log = mount.directory / "said"
    with open(log, "wb") as output:
        command = [mount.command[0], "-f", *mount.command[1:]]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **mount.environment},
        )
    try:
        wait_until(lambda: mounted_at(mount.mountpoint) or process.poll() is not None, what="mounted")
        yield Foreground(mount, process, log)
        mount.unmount()
        assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(60)
