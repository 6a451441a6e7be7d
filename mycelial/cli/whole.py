"""What commands share that ask about all of a mount: their options, who is asked, and how it is printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mycelial.cli import options, output
from mycelial.cli.place import Place, locate

if TYPE_CHECKING:
    from mycelial.store.answers import Answers

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., object])


def of_a_directory(command: Command) -> Command:
    """Give a command the argument DIRECTORY and what else these take."""
    for add in (options.uid, options.database, options.limit, options.as_json):
        command = add(command)
    return click.argument("directory", default=".")(command)


def ask(
    directory: str,
    database: Path | None,
    uid: int | str | None,
    mount: Callable[[Place], T],
    store: Callable[[Answers], T],
) -> T:
    """Return what `store` answers, or what `mount` does where the database is somebody else's."""
    place = locate(directory, database, foreign=True)
    if place.is_foreign:
        return mount(place)
    with options.open_answers(place, uid) as answers:
        return store(answers)


def show(
    found: Sequence[T],
    heading: Sequence[str],
    row: Callable[[T], Sequence[str]],
    *,
    as_json: bool,
    nothing: str,
    as_object: Callable[[Any], object] = asdict,
) -> None:
    """Print all as JSON, or a row each; where there is none, say so on standard error."""
    if as_json:
        output.print_json([as_object(one) for one in found])
    elif not found:
        print(nothing, file=sys.stderr)
    else:
        output.print_table(heading, map(row, found))
