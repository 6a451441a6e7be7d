"""Asking the mount itself, where the database is somebody else's: the virtual tree knows what is the user's.

A mount of root's that lets everybody in keeps one database for all, which is root's. Its tree tells each user
of his own work; what it does not tell (counts, scores) is not known here either.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from mycelial.cli.failure import Failure
from mycelial.cli.place import Place
from mycelial.record.display import printable
from mycelial.store.answers import Cluster, Found, Hub, Recent, Related


def ranked(place: Place, view: str, path: str, limit: int) -> list[Related]:
    """Return the links of one ranking; their score is only their order."""
    links = list(_links(place, _tree(place) / view / path))[:limit]
    return [Related(other, 1.0 / rank, 0, 0.0, (), False) for rank, (_, other) in enumerate(links, 1)]


def recent(place: Place, limit: int) -> list[Recent]:
    """Return the files used last; when and by what is not told."""
    return [Recent(path, 0.0, "", "") for _, path in _links(place, _tree(place) / "recent")][:limit]


def clusters(place: Place, limit: int) -> list[Cluster]:
    """Return the pieces of work with the files that the tree shows; their number is only their order."""
    top = _tree(place) / "clusters"
    try:
        labels = os.listdir(top)[:limit]
    except FileNotFoundError:
        return []
    files = {label: tuple(path for _, path in _links(place, top / label)) for label in labels}
    return [Cluster(number, label, os.getuid(), files[label]) for number, label in enumerate(labels, 1)]


def hubs(place: Place, limit: int) -> list[Hub]:
    """Return the hubs; their score is only their order."""
    links = list(_links(place, _tree(place) / "hubs"))[:limit]
    return [Hub(path, 1.0 / rank, 0) for rank, (_, path) in enumerate(links, 1)]


def search(place: Place, words: str, limit: int) -> list[Found]:
    """Return what fits; its score is only its order."""
    links = list(_links(place, _tree(place) / "search" / words.replace("/", " ")))[:limit]
    return [Found(path, 1.0 / rank, (), "") for rank, (_, path) in enumerate(links, 1)]


def print_how(place: Place, file: str, *, as_json: bool) -> None:
    """Print the recipe as the tree words it."""
    _print_text(_read(_tree(place) / "how" / place.relative(file)), as_json, f"made {file}")


def print_why(place: Place, a: str, b: str, *, as_json: bool) -> None:
    """Print the explanation of the link from `a` to `b` as the tree words it."""
    tree, one, other = _tree(place), place.relative(a), place.relative(b)
    links = (name for name, path in _links(place, tree / "related" / one) if path == other)
    text = _read(tree / "why" / one / name) if (name := next(links, "")) else ""
    _print_text(text, as_json, f"joins {a} and {b}")


def _print_text(text: str, as_json: bool, what: str) -> None:
    if as_json:
        raise Failure("this form needs the database, which is the mount's owner's; the plain text does not")
    if text:
        print("\n".join(map(printable, text.splitlines())))
    else:
        print(f"nothing is known that {printable(what)}", file=sys.stderr)


def status(place: Place) -> dict[str, object]:
    """Return the whole status."""
    found: dict[str, object] = json.loads(_read(_tree(place) / "status.json"))
    return found


def forget_mutes(place: Place) -> None:
    """Have the mount take back what this user said to be unrelated."""
    with _refusals():
        os.removexattr(_tree(place), "user.mycelial.mutes")


def forget(place: Place, paths: tuple[str, ...], since: float | None, before: float | None) -> None:
    """Have the mount forget what this user did; all of it where nothing more is said."""
    wanted = json.dumps({"paths": paths, "since": since, "before": before}).encode()
    with _refusals():
        os.setxattr(_tree(place), "user.mycelial.forget", wanted)


def pause_until(place: Place, t: float) -> None:
    """Have the mount record nothing of what this user does until then; 0.0: record again."""
    with _refusals():
        if t:
            os.setxattr(_tree(place), "user.mycelial.paused", repr(t).encode())
        else:
            os.removexattr(_tree(place), "user.mycelial.paused")


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        if problem.errno == errno.EBUSY:
            raise Failure(
                "something is being forgotten there, or was a moment ago: try again later"
            ) from None
        if problem.errno == errno.EIO:
            raise Failure(
                "the record cannot be written to now: its owner sees why in mycelial status"
            ) from None
        raise


def _tree(place: Place) -> Path:
    view_dir = place.status.get("view_dir")
    if not isinstance(view_dir, str) or not view_dir or "/" in view_dir:
        raise Failure(f"{printable(str(place.root))}: its record is its owner's, and it shows nothing of it")
    if place.top:
        raise Failure(
            f"{printable(str(place.root))} shows {printable(place.top)} alone:"
            " ask where the whole mount is seen"
        )
    return Path(str(place.root)) / view_dir


def _links(place: Place, directory: Path) -> Iterator[tuple[str, str]]:
    """Yield the links of a directory in order, each with what it leads to, relative to the mount's root."""
    try:
        names = sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        try:
            target = os.readlink(directory / name)
        except OSError:
            continue
        yield name, os.path.relpath(os.path.join(directory, target), str(place.root))


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
