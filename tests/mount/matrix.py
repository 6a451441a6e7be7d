"""The comparison at the heart of the mount tests: the same operations natively and through the mount.

A *case* is a function that works below a directory and notes what it sees: results, error numbers, data,
attributes, which times an operation moved. It runs twice, in fresh directories, each time in a process of its
own; the notes must be equal. Afterwards the tree seen through the mount must equal the source beneath it,
attribute by attribute, and the source must equal the natively made tree.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
Path = str | bytes
LONG_AGO_NS = 1_000_000_000_123_456_789


class Rights:
    """Whose rights a case is about. What an ordinary user may do is also done below a mount of root's."""

    ANYONE = "anyone"
    ROOT = "root"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Limit:
    """A difference that the kernel's FUSE or libfuse imposes: what the mount says instead, and why.

    `notes` maps the labels that may differ to what the mount then answers; any other answer fails. A case
    that can only stop there is compared up to there.
    """

    reason: str
    notes: dict[str, object]


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    run: Callable[[World], None]
    rights: str
    limit: Limit | None


CASES: list[Case] = []


def case(
    *, rights: str = Rights.ANYONE, limit: Limit | None = None
) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    """Register a function as a case of the matrix."""

    def register(function: Callable[[World], None]) -> Callable[[World], None]:
        CASES.append(Case(function.__name__, function, rights, limit))
        return function

    return register


def error_name(error: OSError) -> str:
    """The error's symbolic name, in the spelling of the man pages."""
    if error.errno == errno.EOPNOTSUPP:
        return "EOPNOTSUPP"
    return errno.errorcode.get(error.errno or 0, str(error))


def plain(value: object) -> object:
    """A result in a form that can be compared between two trees: no inode or device numbers, no times."""
    if isinstance(value, os.stat_result):
        return describe(value)
    if isinstance(value, (bytes, bytearray, memoryview)) and len(value) > 256:
        return f"{len(value)} bytes, sha256 {hashlib.sha256(value).hexdigest()}"
    return value


def describe(status: os.stat_result) -> dict[str, object]:
    """What two files that were made in the same way have in common."""
    is_directory = stat.S_ISDIR(status.st_mode)
    return {
        "mode": stat.filemode(status.st_mode) + f" {stat.S_IMODE(status.st_mode):04o}",
        "nlink": status.st_nlink,
        "uid": status.st_uid,
        "gid": status.st_gid,
        "size": None if is_directory else status.st_size,
        "rdev": status.st_rdev,
    }


@dataclass(slots=True)
class World:
    """A directory to work in, and the notes of what happened there."""

    root: bytes
    notes: list[tuple[str, object]] = field(default_factory=list)

    def path(self, *names: Path) -> bytes:
        return os.path.join(self.root, *(os.fsencode(name) for name in names))

    def note(self, label: str, value: object) -> None:
        self.notes.append((label, plain(value)))

    def attempt(self, label: str, function: Callable[..., T], *arguments: Any, **options: Any) -> T | None:
        """Call and note the result, or the name of the error."""
        try:
            value = function(*arguments, **options)
        except OSError as error:
            self.note(label, error_name(error))
            return None
        except (ValueError, OverflowError) as error:
            self.note(label, type(error).__name__)
            return None
        self.note(label, value)
        return value

    def works(self, label: str, function: Callable[..., T], *arguments: Any, **options: Any) -> T | None:
        """Like `attempt`, for results that differ between trees (descriptors …): only success is noted."""
        try:
            value = function(*arguments, **options)
        except OSError as error:
            self.note(label, error_name(error))
            return None
        self.note(label, "ok")
        return value

    def file(self, name: Path, content: bytes = b"", mode: int = 0o644) -> bytes:
        """Make a file without noting anything."""
        path = self.path(name)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.fchmod(descriptor, mode)
            while content:
                content = content[os.write(descriptor, content) :]
        finally:
            os.close(descriptor)
        return path

    def directory(self, name: Path, mode: int = 0o755) -> bytes:
        path = self.path(name)
        os.mkdir(path)
        os.chmod(path, mode)
        return path

    def read(self, path: bytes) -> bytes:
        with open(path, "rb", buffering=0) as file:
            return file.read()

    def look(self, label: str, path: bytes) -> None:
        """Note a file's attributes."""
        self.attempt(label, os.lstat, path)

    def listing(self, label: str, path: bytes) -> None:
        """Note a directory's names with the types that the listing gives."""
        with os.scandir(path) as entries:
            self.note(
                label,
                sorted((e.name, e.is_symlink(), e.is_dir(follow_symlinks=False)) for e in entries),
            )

    @contextlib.contextmanager
    def opened(self, path: bytes, flags: int, mode: int = 0o644) -> Iterator[int]:
        descriptor = os.open(path, flags, mode)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def effects(self, label: str, watched: dict[str, bytes], act: Callable[[], object]) -> None:
        """Note which times of the watched files the action moves.

        Access and modification times are set back first, so that `relatime` has something to update.
        """
        for path in watched.values():
            os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS), follow_symlinks=False)
        time.sleep(0.012)
        before = {name: os.lstat(path) for name, path in watched.items()}
        try:
            act()
        except OSError as error:
            self.note(f"{label} failed", error_name(error))
        moved = []
        for name, path in watched.items():
            try:
                after = os.lstat(path)
            except FileNotFoundError:
                moved.append(f"{name} gone")
                continue
            for attribute in ("st_atime_ns", "st_mtime_ns", "st_ctime_ns"):
                if getattr(before[name], attribute) != getattr(after, attribute):
                    moved.append(f"{name} {attribute[3:8]}")
        self.note(f"{label} moves", moved)


def run_case(run: Callable[[World], None], root: bytes) -> list[tuple[str, object]]:
    """Executed in the child: the notes of one run. An unexpected error ends the case and is noted."""
    os.umask(0o022)
    world = World(root)
    try:
        run(world)
    except OSError as error:
        frames = traceback.extract_tb(error.__traceback__)
        place = [frame for frame in frames if frame.filename != __file__][-1]
        world.note(f"stopped at line {place.lineno}: {place.line}", error_name(error))
    return world.notes


def tree(root: bytes) -> Iterator[bytes]:
    """Every path below a directory, relative to it, the directory itself first."""
    yield b""
    for directory, directories, files in os.walk(root):
        directories.sort()
        for name in sorted(directories + files):
            yield os.path.relpath(os.path.join(directory, name), root)


def portrait(root: bytes) -> dict[bytes, dict[str, object]]:
    """What a tree is, without times and inode numbers: to compare a natively made tree with another."""
    return {path: _portrait_of(os.path.join(root, path)) for path in tree(root)}


def _portrait_of(path: bytes) -> dict[str, object]:
    status = os.lstat(path)
    picture = describe(status)
    if stat.S_ISLNK(status.st_mode):
        picture["target"] = os.readlink(path)
    if stat.S_ISREG(status.st_mode) and status.st_size < 1 << 24:
        try:
            with open(path, "rb", buffering=0) as file:
                picture["content"] = plain(file.read())
        except OSError as error:
            picture["content"] = error.strerror
    try:
        picture["xattrs"] = {
            name: os.getxattr(path, name, follow_symlinks=False)
            for name in sorted(os.listxattr(path, follow_symlinks=False))
        }
    except OSError as error:
        picture["xattrs"] = error.strerror
    return picture


ATTRIBUTES = (
    "mode",
    "nlink",
    "uid",
    "gid",
    "size",
    "blocks",
    "blksize",
    "rdev",
    "atime_ns",
    "mtime_ns",
    "ctime_ns",
)


def attributes(root: bytes) -> dict[bytes, dict[str, int]]:
    """Every attribute of every file with its times: to compare the mount with the source beneath it.

    Access times of directories and links are left out: walking the tree moves them.
    """
    result = {}
    for path in tree(root):
        status = os.lstat(os.path.join(root, path))
        result[path] = {name: getattr(status, f"st_{name}") for name in ATTRIBUTES}
        if not stat.S_ISREG(status.st_mode):
            del result[path]["atime_ns"]
    return result


def differences(expected: dict[Any, Any], actual: dict[Any, Any]) -> list[str]:
    """Where two mappings of mappings differ, one line each."""
    found = []
    for key in sorted(expected.keys() | actual.keys()):
        if key not in actual or key not in expected:
            found.append(f"{key!r}: only {'natively' if key in expected else 'through the mount'}")
            continue
        for name, value in expected[key].items():
            if actual[key].get(name) != value:
                found.append(f"{key!r} {name}: expected {value!r}, got {actual[key].get(name)!r}")
    return found


def note_differences(
    expected: list[tuple[str, object]], actual: list[tuple[str, object]], limit: Limit | None
) -> list[str]:
    """Where the notes of two runs differ, apart from a documented limit."""
    found = []
    for position in range(max(len(expected), len(actual))):
        native = expected[position] if position < len(expected) else ("(nothing)", None)
        mounted = actual[position] if position < len(actual) else ("(nothing)", None)
        if native == mounted:
            continue
        label = native[0]
        if (
            limit is not None
            and label == mounted[0]
            and label in limit.notes
            and limit.notes[label] == mounted[1]
        ):
            if position == len(actual) - 1:
                break
            continue
        found.append(f"{label}: natively {native[1]!r}, through the mount {mounted[1]!r} ({mounted[0]})")
        if native[0] != mounted[0]:
            break
    return found
