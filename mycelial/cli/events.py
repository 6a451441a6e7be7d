"""events: the log as it stands, to read, to keep or to replay."""

from __future__ import annotations

from pathlib import Path

import click

from mycelial.cli import options
from mycelial.cli.place import locate
from mycelial.record.display import moment, printable
from mycelial.record.events import Event
from mycelial.record.jsonl import event_to_json


@click.command()
@click.argument("directory", default=".")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, as `replay` reads it.")
@options.database
@click.option("--uid", type=int, metavar="N", help="Only this user's events. Default: everybody's.")
def events(directory: str, as_json: bool, database: Path | None, uid: int | None) -> None:
    """The event log, in the order of arrival.

    DIRECTORY is any path in a mount or in its source; without it, the working directory.
    """
    from mycelial.store.answers import Answers

    line_of = event_to_json if as_json else _in_words
    with Answers.open(locate(directory, database).database, None) as answers:
        for event in answers.events():
            if uid is None or event.process.uid == uid:
                print(line_of(event))


def _in_words(event: Event) -> str:
    target = "" if event.to is None else f" -> {printable(event.to)}"
    who = f"{printable(event.process.comm)}[{event.process.pid}]"
    return f"{moment(event.t)}  {event.op.value:<6}  {who:<22}  {printable(event.path)}{target}"


COMMANDS = {"events": events}
