"""Where the demo happens: a copy of this repository's files, its mount, and a database of its own."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
_PROGRAMS = Path(sys.executable).parent  # of this environment
_BUILT = {".git", ".venv", ".cache", ".hypothesis", "build", "dist", "__pycache__", "node_modules"}
_COMMAND_SECONDS = 120.0
_UNMOUNT_SECONDS = 60.0


class DemoError(Exception):
    """The demo cannot go on; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Place:
    """The copy (`source`), where it is mounted, and the database; `base` holds what is the demo's own."""

    base: Path
    mountpoint: Path

    @property
    def source(self) -> Path:
        return self.base / "source"

    @property
    def database(self) -> Path:
        return self.base / "state" / "demo.db"

    def shell(self, command: str) -> str:
        """What a user sees who types `command` in the mount: output, errors. Raises DemoError if it fails."""
        return _shell(command, self.mountpoint)

    def unnoticed(self, command: str) -> str:
        """The same beside the mount, where nothing is recorded."""
        return _shell(command, self.source)


def _shell(command: str, directory: Path) -> str:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_COMMAND_SECONDS,
        check=False,
    )
    output = done.stdout.decode("utf-8", "surrogateescape")
    if done.returncode != 0:
        raise DemoError(f"'{command}' ended with {done.returncode}: {output.strip()}")
    return output


def environment() -> dict[str, str]:
    """The caller's, with this environment's programs first and messages in English."""
    path = f"{_PROGRAMS}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    return {**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"}


@contextmanager
def own_directory() -> Iterator[Path]:
    """A private directory for the demo of this user, always the same, emptied of what an earlier demo left.

    Raises DemoError if it is somebody else's, or if a demo is under way in it.
    """
    base = Path(tempfile.gettempdir()).resolve() / f"mycelial-demo-{os.geteuid()}"
    try:
        base.mkdir(mode=0o700, exist_ok=True)
        found = base.lstat()
    except OSError as error:
        raise DemoError(f"{base}: {error.strerror}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise DemoError(f"{base} is somebody else's; set TMPDIR to a directory of your own")
    lock = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _empty(base)
        yield base
    except BlockingIOError:
        raise DemoError(f"a demo is under way in {base}; wait until it ends") from None
    finally:
        os.close(lock)


def _empty(base: Path) -> None:
    for mountpoint in mounts_below(base):
        unmount(mountpoint)
    for entry in base.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def prepare(place: Place) -> None:
    """Copies the repository's files and mounts the copy. Raises DemoError."""
    copy_repository(place.source)
    place.database.parent.mkdir(mode=0o700)
    place.mountpoint.mkdir(parents=True, exist_ok=True)
    paths = (place.database, place.source, place.mountpoint)
    command = [str(_PROGRAMS / "mycelial-mount"), "--db", *map(str, paths)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )
    except OSError as error:
        raise DemoError(f"{command[0]}: {error.strerror}") from None
    if done.returncode != 0:
        raise DemoError(done.stderr.strip() or f"mycelial-mount ended with {done.returncode}")


def copy_repository(target: Path) -> None:
    """The files that git knows or would add, as they are now; without git, all but what is built."""
    for name in files_of_git() or files_of_tree():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, copy, follow_symlinks=False)


def files_of_git() -> list[str]:
    """Empty if this tree is no git checkout (an unpacked tarball) or git is not there."""
    if not (REPOSITORY / ".git").exists() or shutil.which("git") is None:
        return []
    # As root in another user's checkout, git would refuse to answer without the setting.
    command = ["git", "-c", "safe.directory=*", "-C", str(REPOSITORY), "ls-files", "-z"]
    command += ["--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, check=False)
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    return [name for name in names if os.path.lexists(REPOSITORY / name)]


def files_of_tree() -> Iterator[str]:
    """All but what is built, for a tree without git."""
    for directory, names, files in os.walk(REPOSITORY):
        names[:] = sorted(
            name for name in names if name not in _BUILT and not name.endswith(("_cache", "-info"))
        )
        for name in sorted(files):
            if not name.endswith((".so", ".pyc")):
                yield os.path.relpath(os.path.join(directory, name), REPOSITORY)


def mounts_below(base: Path) -> list[Path]:
    """Deepest last mounted first, read from the table: a mount that hangs would block a look at itself."""
    points = []
    for line in Path("/proc/self/mounts").read_text(errors="surrogateescape").splitlines():
        point = line.split(" ")[1].encode("utf-8", "surrogateescape").decode("unicode_escape")
        if point == str(base) or point.startswith(f"{base}/"):
            points.append(Path(point))
    return points[::-1]


def unmount(mountpoint: Path) -> None:
    """Raises DemoError if it is still in use."""
    end = time.monotonic() + _UNMOUNT_SECONDS
    while True:
        done = subprocess.run(["fusermount3", "-u", mountpoint], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        if time.monotonic() > end:
            raise DemoError(f"{mountpoint} cannot be unmounted: {done.stderr.strip()}")
        time.sleep(0.2)
