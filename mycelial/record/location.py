"""Where things are kept: the database of a source, and the configuration file.

The places follow the XDG base directory specification (https://specifications.freedesktop.org/basedir-spec/),
and the system's directories for root. A source has one database whatever path it is mounted by.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_SYSTEM_STATE = Path("/var/lib/mycelial")
_SYSTEM_CONFIG = Path("/etc/mycelial/config.toml")
_LONGEST_NAME = 100  # bytes of the source's name that the database's name repeats
_HASH_DIGITS = 12


def state_dir() -> Path:
    """Return the directory of the databases; it may not exist yet.

    Raises
    ------
    ValueError
        if this user has no home directory.
    """
    if os.geteuid() == 0:
        return _SYSTEM_STATE
    return _xdg("XDG_STATE_HOME", ".local/state") / "mycelial"


def config_path() -> Path:
    """Return the place of the configuration file; there may be none.

    Raises
    ------
    ValueError
        if this user has no home directory.
    """
    if os.geteuid() == 0:
        return _SYSTEM_CONFIG
    return _xdg("XDG_CONFIG_HOME", ".config") / "mycelial" / "config.toml"


def database_path(source: str) -> Path:
    """Return the place of the database of `source`: NAME-HASH.db in :func:`state_dir`.

    NAME is for people; HASH stands for the absolute path after following symbolic links, so
    every way to write the same directory gives the same database.
    """
    real = os.fsencode(os.path.realpath(source))
    name = os.fsdecode(os.path.basename(real)[:_LONGEST_NAME]) or "root"
    digest = hashlib.sha256(real).hexdigest()[:_HASH_DIGITS]
    return state_dir() / f"{name}-{digest}.db"


def lock_path(database: Path) -> str:
    """Return the file whose lock the one writer of `database` holds (flock)."""
    return f"{database}-lock"


def seen_from(root: str, path: str) -> str:
    """Return the absolute `path` relative to `root` ("." for itself) where it lies inside, else as it is.

    Only the names count; no link is followed.
    """
    if path == root:
        return "."
    return path.removeprefix(root.rstrip("/") + "/")


def _xdg(variable: str, below_home: str) -> Path:
    # The specification: paths that are not absolute are to be ignored.
    if (value := os.environ.get(variable, "")).startswith("/"):
        return Path(value)
    try:
        return Path.home() / below_home
    except RuntimeError:
        raise ValueError(f"no home directory is known for user {os.geteuid()}: set HOME") from None
