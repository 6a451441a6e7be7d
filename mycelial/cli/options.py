"""Options that several commands share: one spelling, one meaning, one help text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mycelial.cli.failure import Failure
from mycelial.record.display import printable

if TYPE_CHECKING:
    from mycelial.cli.place import Place
    from mycelial.store.answers import Answers

EVERYBODY = "all"


def _uid_or_everybody(ctx: click.Context, param: click.Parameter, value: str | None) -> int | str | None:
    if value is None or value == EVERYBODY:
        return value
    if value.isascii() and value.isdigit() and int(value) < 2**32:
        return int(value)
    raise click.BadParameter(f"{value!r} is neither a user's number nor {EVERYBODY!r}", ctx, param)


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
database = click.option(
    "--db",
    "database",
    type=click.Path(path_type=Path, readable=False),
    metavar="PATH",
    help="Use this database; paths are then relative to the mount's root.",
)
limit = click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=20,
    show_default=True,
    metavar="N",
    help="Print at most so many.",
)
at_most = click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="Print at most so many. Default: all.",
)
uid = click.option(
    "--uid",
    callback=_uid_or_everybody,
    metavar="N|all",
    help="Whose accesses count. Default: your own, if there are any; everybody's otherwise and with --db.",
)


def open_answers(place: Place, uid: int | str | None) -> Answers:
    """Open the database of `place` for the user that ``--uid`` names.

    A database that is named outright is often a replayed log, in which uids are other machines'.

    Raises
    ------
    StoreError
        There is no usable database.
    """
    if isinstance(uid, int):
        return _open(place, uid)
    if uid == EVERYBODY or place.root is None:
        return _open(place, None)
    with _open(place, None) as everybody:
        own = os.getuid() in everybody.uids()
    return _open(place, os.getuid() if own else None)


def _open(place: Place, uid: int | None) -> Answers:
    from mycelial.store.answers import Answers

    try:
        return Answers.open(place.database, uid)
    except PermissionError:
        if not place.status:
            raise
        tree = f"{place.root}/{place.status.get('view_dir', '.mycelial')}/"
        raise Failure(
            f"{printable(str(place.database))}: only the mount's owner may read it; see {printable(tree)}"
        ) from None
