"""status: what is on, what is off and why, and what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from mycelial.cli import options, output
from mycelial.cli.failure import Failure
from mycelial.cli.place import Place, locate
from mycelial.record.display import moment, printable

_MOMENTS = frozenset(("first", "last", "since"))
"""Keys whose numbers are seconds since the epoch."""


@click.command()
@click.argument("directory", default=".")
@options.as_json
@options.database
@options.uid
def status(directory: str, as_json: bool, database: Path | None, uid: int | str | None) -> None:
    """What is on, what is off and why.

    DIRECTORY is any path in a mount or in its source; without it, the working directory.
    """
    place = locate(directory, database, foreign=True)
    found = _of_foreign(place) if place.is_foreign else _gather(place, uid)
    if as_json:
        output.print_json(found)
        return
    for name, value in _flat(found):
        print(f"{printable(name):<24}  {printable(value)}")


def _of_foreign(place: Place) -> dict[str, object]:
    """Return what a mount tells of itself to those whose database it is not."""
    from mycelial.cli import through

    told = through.status(place) if place.status.get("view_dir") else dict(place.status)
    return {"mounted": True, **told}


def _gather(place: Place, uid: int | str | None) -> dict[str, object]:
    """Return the mount's words and the store's; under a mount, the store's failure is part of the report."""
    from mycelial.store.errors import StoreError

    found: dict[str, object] = {
        "mounted": bool(place.status),
        **place.status,
        "database": str(place.database),
    }
    try:
        with options.open_answers(place, uid) as answers:
            found["store"] = answers.status()
    except (StoreError, OSError, Failure) as problem:
        if not place.status:
            raise
        found["store"] = {"error": str(problem)}
    return found


def _flat(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield names with dots, and their values in words."""
    for key, value in tree.items():
        name = prefix + key
        if isinstance(value, Mapping):
            yield from _flat(value, name + ".")
        elif isinstance(value, (list, tuple)):
            for item in value or ("-",):
                yield name, _in_words(key, item)
        else:
            yield name, _in_words(key, value)


def _in_words(key: str, value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None | "":
            return "-"
        case float() if key in _MOMENTS:
            return moment(value)
        case Mapping():
            return ", ".join(f"{name} {_in_words(str(name), item)}" for name, item in value.items())
        case _:
            return str(value)


COMMANDS = {"status": status}
