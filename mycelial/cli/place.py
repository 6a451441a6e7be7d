"""Finding the database that knows about a path, and the name by which it knows it.

A mount tells its database itself, through a virtual attribute that every path in it has. Without
a mount, the database of a source directory is where its path says (see
:mod:`mycelial.record.location`). ``--db`` needs neither: paths are then only names.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mycelial.cli.failure import Failure
from mycelial.cli.mounts import Mount, mounts
from mycelial.record.display import printable
from mycelial.record.events import is_clean_path
from mycelial.record.location import database_path

_STATUS = "user.mycelial.status"
_MOUNTS = "/proc/self/mountinfo"


@dataclass(frozen=True, slots=True)
class Place:
    """A database, and what its paths are relative to.

    Attributes
    ----------
    database : Path
        Of no use where the place :attr:`is_foreign`.
    root : str, optional
        The mountpoint, or the source directory if it is not mounted; None if only the database is known.
    status : mapping
        What the mount says of itself; empty without a mount.
    top : str
        The directory of the mount that `root` shows, where only that is bound to a place ("" for all of it).
    is_foreign : bool
        Whether the database is somebody else's; only the mount itself can be asked then.
    """

    database: Path
    root: str | None = None
    status: Mapping[str, object] = field(default_factory=dict)
    top: str = ""
    is_foreign: bool = False

    @property
    def is_recording(self) -> bool:
        """Whether a mount records into the database now."""
        return bool(self.status.get("recording"))

    def relative(self, given: str) -> str:
        """Return `given` relative to the mount's root.

        Raises
        ------
        Failure
            if it does not lie below it.
        """
        if not given:
            raise Failure("an empty path names no file")
        path = _as_named(given) if self.root is None else _below(self.root, given)
        if path is not None and self.top:
            path = os.path.normpath(f"{self.top}/{path}")
        if path == ".":
            raise Failure(f"{printable(given)}: this is the root of it all; name a file in it")
        if path is None or not is_clean_path(path):
            root = (
                "the mount's root (with --db, paths are relative to it)" if self.root is None else self.root
            )
            raise Failure(f"{printable(given)}: not below {printable(root)}")
        return path

    def exists(self, path: str) -> bool:
        """Whether a file is there now; True where this cannot be known."""
        if self.root is None or not f"{path}/".startswith(self.top and f"{self.top}/"):
            return True
        return os.path.lexists(os.path.join(self.root, path[len(self.top) :].lstrip("/")))

    def is_whole(self, directory: str) -> bool:
        """Whether a directory is the mount's root."""
        if self.root is None or self.top:
            return False
        return os.path.realpath(directory) == os.path.realpath(self.root)


def locate(given: str, database: Path | None, *, foreign: bool = False) -> Place:
    """Return the place that `given`, a path or a directory, belongs to; `database` overrules the search.

    With `foreign` it may be a mount whose database is somebody else's.

    Raises
    ------
    Failure
        if nothing was ever recorded for it, or not for this user.
    """
    if database is not None:
        return Place(database)
    try:
        real = os.path.realpath(given)
    except FileNotFoundError:
        raise Failure("the working directory is gone; go to one that is there, or name it in full") from None
    place = _of_mount(real) or _of_source(real)
    if place is not None and place.is_foreign and not foreign:
        tree = f"{place.root}/{place.status.get('view_dir') or ''}"
        raise Failure(
            f"{printable(str(place.root))}: the record is the mount's owner's;"
            f" what is yours is in {printable(tree)}"
        )
    if place is not None:
        return place
    if (dead := _dead_mount(real)) is not None:
        raise Failure(
            f"{printable(given)}: the mount at {printable(dead)} is dead (fusermount3 -u, then mount again);"
            " --db names a database"
        )
    raise Failure(
        f"{printable(given)}: not inside a mount of Mycelial, and nothing was recorded"
        " for a directory above it; --db names a database"
    )


def _ancestors(path: str) -> list[str]:
    return [path, *map(str, Path(path).parents)]


def _of_mount(real: str) -> Place | None:
    for path in _ancestors(real):
        try:
            raw = os.getxattr(path, _STATUS)
        except OSError as problem:
            if problem.errno in (errno.ENOENT, errno.ENOTDIR):
                continue
            return None
        return _from_status(raw, path)
    return None


def _from_status(raw: bytes, path: str) -> Place | None:
    """Return what the attribute says, unless it is forged: any file may carry a real one of that name."""
    mount = _shown_from(path)
    try:
        status = json.loads(raw)
        database = status.get("database", "")
    except (ValueError, AttributeError):
        return None
    if mount is None or not isinstance(database, str):
        return None
    # Anybody may call a filesystem of his so: one who lets others in would have them forget what is theirs,
    # where they mean what is his.
    is_foreign = "database" not in status or mount.owner not in (-1, 0, os.geteuid())
    return Place(Path("" if is_foreign else database), mount.path, status, mount.top.strip("/"), is_foreign)


def _shown_from(path: str) -> Mount | None:
    """Return what shows `path`: where it was mounted, or a bind mount, which may show only a part of it."""
    try:
        device, table = os.stat(path).st_dev, os.fsdecode(Path(_MOUNTS).read_bytes())
    except OSError:
        return None
    shown = (mount for mount in mounts(table) if mount.device == device)
    return max(
        (mount for mount in shown if _below(mount.path, path) is not None),
        key=lambda mount: len(mount.path),
        default=None,
    )


def _of_source(real: str) -> Place | None:
    for path in _ancestors(real):
        database = database_path(path)
        if os.access(database, os.F_OK):
            return Place(database, path)
    return None


def _dead_mount(real: str) -> str | None:
    """Return the mountpoint above `real` whose daemon is gone, if any."""
    found = None
    for path in _ancestors(real):
        try:
            os.statvfs(path)  # never answered from a cache
        except OSError as problem:
            if problem.errno == errno.ENOTCONN:
                found = path
    return found


def _as_named(given: str) -> str | None:
    return None if given.startswith("/") else os.path.normpath(given)


def _below(root: str, given: str) -> str | None:
    """Return `given` relative to `root`: "." for root itself, None if it is outside.

    Links are followed, as accesses are recorded at their end; a link that leads outside is itself meant.
    """
    parent, name = os.path.split(os.path.abspath(given))
    for path in (os.path.realpath(given), os.path.join(os.path.realpath(parent), name)):
        relative = os.path.relpath(path, os.path.realpath(root))
        if relative != ".." and not relative.startswith("../"):
            return relative
    return None
