"""The two ends of a mount, checked before anything is changed: the source, the mountpoint and the database.

Whatever would go wrong later and less clearly is refused here: a mount within its own source, a name that the
virtual tree would hide, a database that only the mount itself could reach.
"""

from __future__ import annotations

import fcntl
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from mycelial.mount.detaching import by_descriptor, detach_as_user, detach_open
from mycelial.mount.mounted import is_dead, mountpoints_of, open_place, shown_at
from mycelial.mount.options import MountOptions
from mycelial.record.location import config_path, database_path, lock_path
from mycelial.record.trust import objection


class MountError(Exception):
    """Why there will be no mount; the text is one line."""


@dataclass(frozen=True, slots=True)
class Place:
    """Absolute, real paths; both ends are open (O_PATH).

    So what is mounted over the source does not hide it, and nobody can put something else in the place of
    either before the mount is made.
    """

    source: str
    mountpoint: str
    source_fd: int
    mountpoint_fd: int
    database: str
    config: str

    @property
    def in_place(self) -> bool:
        return self.source == self.mountpoint


def find_place(options: MountOptions) -> Place:
    """Check what `options` name, and open the source.

    Raises
    ------
    MountError
        if something is missing or would not work.
    """
    mountpoint_fd = _mountpoint(options.mountpoint)
    try:
        source_fd = os.open(options.source, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as problem:
        raise MountError(f"source {options.source}: {problem.strerror}") from None
    mountpoint, source = _real_path(mountpoint_fd), _real_path(source_fd)
    if shown_at(mountpoint) == source:
        raise MountError(
            f"{options.source} is mounted at {mountpoint} already (fusermount3 -u {mountpoint} unmounts it)"
        )
    if source != mountpoint:
        for inner, outer, text in (
            (mountpoint, source, "the mountpoint lies inside the source"),
            (source, mountpoint, "the source lies inside the mountpoint"),
        ):
            if _is_below(inner, outer):
                raise MountError(f"{text}: {inner} is below {outer} (in place is: the same directory twice)")
    if options.view_dir and _exists(source_fd, options.view_dir, options.source):
        if (shown := shown_at(source)) is not None:
            raise MountError(
                f"{options.source} is a mount of {shown} already: look there, or unmount it first"
                f" (fusermount3 -u {source})"
            )
        raise MountError(
            f"{options.source} has a file of its own named {options.view_dir}:"
            " use --view-dir NAME for another name, or --no-views"
        )
    database, config = _files(options, source)
    if source == mountpoint and _is_below(os.path.realpath(database), source):
        raise MountError(
            f"the database {database} would lie inside an in-place mount: use --db PATH for another place"
        )
    if options.record and (doubt := objection(Path(database))) is not None:
        raise MountError(f"database {database}: {doubt}")
    return Place(source, mountpoint, source_fd, mountpoint_fd, database, config)


def recorded_elsewhere(place: Place) -> str | None:
    """Return another mountpoint of the same source, if somebody records it now; None otherwise."""
    others = mountpoints_of(place.source)
    if not others:
        return None
    try:
        lock = os.open(lock_path(Path(place.database)), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return min(others)
    finally:
        os.close(lock)
    return None


def why_not_written(database: Path) -> str | None:
    """Return why nothing can be kept at `database` now, in a few words; None if it can.

    Its directory and the file for its lock are made, as the engine makes them a moment later.
    """
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(lock_path(database), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        if database.is_file():
            os.close(os.open(database, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW))
    except FileExistsError:
        return f"{database.parent} is no directory"
    except OSError as problem:
        return problem.strerror or type(problem).__name__
    return None


def _files(options: MountOptions, source: str) -> tuple[str, str]:
    try:
        database = options.database or str(database_path(source))
        config = options.config or str(config_path())
    except ValueError as problem:
        raise MountError(str(problem)) from None
    if options.config and not Path(config).is_file():
        raise MountError(f"config file {config}: no such file")
    return os.path.realpath(database), os.path.abspath(config)


def _mountpoint(path: str) -> int:
    try:
        place = open_place(path)
        if is_dead(place):  # nobody can use it any more
            if not detach_open(place) and not detach_as_user(os.path.abspath(path)):
                raise MountError(f"mountpoint {path}: a dead mount is in the way: umount -l {path}")
            os.close(place)
            place = open_place(path)
        is_directory = stat.S_ISDIR(os.fstat(place).st_mode)
    except OSError as problem:
        raise MountError(f"mountpoint {path}: {problem.strerror}") from None
    if not is_directory:
        raise MountError(f"mountpoint {path}: not a directory")
    return place


def _real_path(fd: int) -> str:
    try:
        return os.readlink(by_descriptor(fd))
    except OSError as problem:  # more than PATH_MAX bytes from the root
        raise MountError(f"a path is too long: {problem.strerror}") from None


def _is_below(inner: str, outer: str) -> bool:
    return os.path.commonpath((inner, outer)) == outer


def _exists(directory: int, name: str, path: str) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError as problem:
        raise MountError(f"source {path}: {problem.strerror}") from None
    return True
