"""events: the log as it stands, to read, to keep or to replay."""

from __future__ import annotations

import re
import time
from datetime import datetime
from pathlib import Path

import click

from mycelial.cli import options
from mycelial.cli.place import locate
from mycelial.record.display import moment, printable
from mycelial.record.events import Event, Op
from mycelial.record.jsonl import event_to_json
from mycelial.store.answers import Answers, Selection

_BEFORE_FOLLOWING = 10
"""Events that are shown before those that come, as by tail(1)."""

_LOOK_EVERY = 0.2
"""Seconds between two looks whether something has come; it is stored every quarter of a second."""

_AGO = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def _time(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Return seconds since the epoch."""
    if value is None:
        return None
    if ago := _AGO.fullmatch(value):
        return time.time() - float(ago[1]) * _SECONDS[ago[2]]
    try:
        return float(value) if _NUMBER.fullmatch(value) else datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError, OSError):
        text = f"{value!r} is no date (2025-10-14, '2025-10-14 08:30'), no time ago (90m, 2d) and no number"
        raise click.BadParameter(text, ctx, param) from None


@click.command()
@click.argument("directory", default=".")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, as `replay` reads it.")
@click.option("--follow", "-f", "following", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@click.option(
    "--last",
    "-n",
    type=click.IntRange(0, 1_000_000_000),
    metavar="N",
    help="Only the last N of those that fit. Default: all; with --follow or -f, the last ten.",
)
@click.option(
    "--since",
    callback=_time,
    metavar="TIME",
    help="Only from this time on: 2025-10-14, '2025-10-14 08:30', 90m, 2d.",
)
@click.option("--until", callback=_time, metavar="TIME", help="Only before this time.")
@click.option(
    "--op",
    "ops",
    multiple=True,
    type=click.Choice([op.value for op in Op]),
    help="Only events of this kind (may be repeated).",
)
@click.option(
    "--program", "programs", multiple=True, metavar="NAME", help="Only this program's (may be repeated)."
)
@click.option(
    "--path",
    "paths",
    multiple=True,
    metavar="PATH",
    help="Only of this file, or of what is below this directory (may be repeated).",
)
@options.database
@click.option(
    "--uid",
    type=click.IntRange(0, 2**32 - 1),
    metavar="N",
    help="Only this user's events. Default: everybody's.",
)
def events(
    directory: str,
    as_json: bool,
    following: bool,
    last: int | None,
    since: float | None,
    until: float | None,
    ops: tuple[str, ...],
    programs: tuple[str, ...],
    paths: tuple[str, ...],
    database: Path | None,
    uid: int | None,
) -> None:
    """The event log, in the order of arrival.

    DIRECTORY is any path in a mount or in its source; without it, the working directory.
    """
    place = locate(directory, database)
    selection = Selection(
        uid=uid,
        ops=tuple(map(Op, ops)),
        programs=programs,
        paths=tuple(place.relative(path) for path in paths),
        since=since,
        until=until,
    )
    line_of = event_to_json if as_json else _in_words
    with Answers.open(place.database, None) as answers:
        if not following:
            for event in answers.selected(selection, last):
                print(line_of(event))
            return
        if last is None and since is None:
            last = _BEFORE_FOLLOWING
        for coming in answers.followed(selection, last):
            if coming is None:
                time.sleep(_LOOK_EVERY)
            else:
                print(line_of(coming), flush=True)


def _in_words(event: Event) -> str:
    target = "" if event.to is None else f" -> {printable(event.to)}"
    who = printable(f"{event.process.comm}[{event.process.pid}]")
    return f"{moment(event.t)}  {event.op.value:<6}  {who:<22}  {printable(event.path)}{target}"


COMMANDS = {"events": events}
