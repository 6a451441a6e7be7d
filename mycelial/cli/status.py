"""status: what is on, what is off and why, and what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
@click.option(
    "--over",
    "bounds",
    multiple=True,
    callback=lambda ctx, param, values: [_bound(value) for value in values],
    metavar="FIGURE=N",
    help="Fail if dropped (events lost), database (its bytes) or restarts (of the engine) is above N.",
)
@options.database
@options.uid
def status(
    directory: str,
    as_json: bool,
    bounds: list[tuple[str, int]],
    database: Path | None,
    uid: int | str | None,
) -> None:
    """What is on, what is off and why.

    DIRECTORY is any path in a mount or in its source; without it, the working directory.
    """
    place = locate(directory, database, foreign=True)
    if bounds:
        _hold(place, bounds)
        return
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


def _bound(text: str) -> tuple[str, int]:
    """Return the figure and the number of FIGURE=N."""
    figure, _, number = text.partition("=")
    if figure not in _FIGURES or not (number.isascii() and number.isdigit()):
        raise click.BadParameter(f"{text!r} is not FIGURE=N with one of {', '.join(_FIGURES)}")
    return figure, int(number)


def _hold(place: Place, bounds: list[tuple[str, int]]) -> None:
    """Fail with what is above its bound."""
    above = [
        f"{figure} is {_FIGURES[figure](place)}, above {bound}"
        for figure, bound in bounds
        if _FIGURES[figure](place) > bound
    ]
    if above:
        raise Failure(f"{printable(str(place.root or place.database))}: {'; '.join(above)}")


def _part(place: Place, name: str) -> Mapping[str, object]:
    part = place.status.get(name)
    return part if isinstance(part, Mapping) else {}


def _count(part: Mapping[str, object], key: str) -> int:
    value = part.get(key)
    return value if isinstance(value, int) else 0


def _database_bytes(place: Place) -> int:
    """Return what the database takes on the disk with what was not yet folded into it."""
    files = [place.database.with_name(place.database.name + suffix) for suffix in ("", "-wal")]
    return sum(file.stat().st_size for file in files if file.exists())


_FIGURES: dict[str, Callable[[Place], int]] = {
    "dropped": lambda place: (
        _count(_part(place, "core"), "events_dropped") + _count(_part(place, "engine"), "dropped")
    ),
    "database": _database_bytes,
    "restarts": lambda place: _count(_part(place, "engine"), "restarts"),
}
"""What --over can hold against a bound."""


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
