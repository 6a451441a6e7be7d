"""sessions: what was done when."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from mycelial.cli import options, whole
from mycelial.cli.place import locate
from mycelial.store.answers import Session

_SHOWN = 3  # files that a table names


def _date(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    try:
        return None if value is None else date.fromisoformat(value).isoformat()
    except ValueError:
        raise click.BadParameter(f"{value!r} is no date such as 2026-03-31", ctx, param) from None


@click.command()
@click.argument("directory", default=".")
@click.option("--day", callback=_date, metavar="YYYY-MM-DD", help="Only those that began on this day.")
@options.as_json
@options.limit
@options.database
@options.uid
def sessions(
    directory: str, day: str | None, as_json: bool, limit: int, database: Path | None, uid: int | str | None
) -> None:
    """What was done when: stretches of work, the latest first.

    DIRECTORY is any path in a mount or in its source; without it, the working directory.
    """
    place = locate(directory, database)
    with options.open_answers(place, uid) as answers:
        found = answers.sessions(limit) if day is None else answers.sessions_of(day)[::-1][:limit]
    whole.show(
        found,
        ("day", "began", "minutes", "files", "about", "most used"),
        _row,
        as_json=as_json,
        nothing="no work was recorded then",
        as_object=_object,
    )


def _row(session: Session) -> tuple[str, ...]:
    return (
        session.day,
        session.name[:5].replace(".", ":"),
        str(round((session.ended - session.started) / 60)),
        str(len(session.members)),
        session.label,
        ", ".join(session.members[:_SHOWN]),
    )


def _object(session: Session) -> dict[str, object]:
    return {
        "day": session.day,
        "name": session.name,
        "label": session.label,
        "started": session.started,
        "ended": session.ended,
        "uid": session.uid,
        "members": session.members,
    }


COMMANDS = {"sessions": sessions}
