"""A mount in the foreground, whose words can be counted."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted, mounted_at, wait_until
from tests.mount.recorded import events


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
        path = self.mount.mountpoint / name
        run_apart(path.write_text, name)
        assert run_apart(path.read_text) == name
        assert (self.mount.source / name).read_text() == name

    def engine(self) -> dict[str, object]:
        status: dict[str, object] = self.mount.status()["engine"]
        return status

    def is_recorded(self, name: str) -> bool:
        return any(event["path"] == name for event in events(self.mount))

    def wait_for_record(self, name: str, seconds: float = 15.0) -> None:
        """Wait until a file's use is in the log, and nothing is amiss."""
        wait_until(lambda: self.is_recorded(name), seconds, f"{name} recorded; it is said: {self.engine()}")
        wait_until(lambda: self.engine()["state"] == "ok", seconds, "the state ok")


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
        wait_until(lambda: mounted_at(mount.mountpoint) or process.poll() is not None, 20, "mounted")
        yield Foreground(mount, process, log)
        mount.unmount()
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(20)
