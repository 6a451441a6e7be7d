"""replay and rebuild: relations from a log, in a file or in the database itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from mycelial.cli import options, output
from mycelial.cli.eventfile import EventFile
from mycelial.cli.failure import Failure
from mycelial.cli.place import locate
from mycelial.cli.progress import progress_bar
from mycelial.record.display import printable
from mycelial.record.location import config_path

_as_json = click.option("--json", "as_json", is_flag=True, help="Print a JSON object when it is done.")


@click.command()
@click.argument("events", metavar="EVENTS.jsonl", type=click.Path(allow_dash=True))
@click.option(
    "--db",
    "database",
    type=click.Path(path_type=Path),
    metavar="PATH",
    required=True,
    help="The database to add the events to; it is made if it is not there.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Leave these files out, as the mount does (gitignore syntax; may be repeated).",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read the settings from there, as the mount does.",
)
@_as_json
def replay(events: str, database: Path, exclude: tuple[str, ...], config: Path | None, as_json: bool) -> None:
    """Derive relations from a log in a file.

    Its events are added to the database as if they happened now, without those of files that are
    excluded from recording; - reads standard input.

    The log is what `mycelial events --json` prints, one JSON object a line; it may be compressed with
    gzip. If a line is wrong, a database that was not there before is not left behind.
    """
    from mycelial.graph.garbage import collect_rarely
    from mycelial.graph.rebuild import replay as replay_into
    from mycelial.record.settings import load_settings

    if config is not None and not config.is_file():
        raise Failure(f"{printable(str(config))}: there is no such file")
    settings = load_settings(config or config_path())
    rules = settings.exclusion_rules(exclude)
    is_new = not os.path.lexists(database)
    collect_rarely()
    try:
        with EventFile(events) as file, progress_bar("replaying", file.size) as moved:
            done = replay_into(database, file.events(moved), rules=rules, arguments=settings.record_arguments)
    except BaseException:
        if is_new:
            _remove(database)
        raise
    _report(done, database, as_json)


@click.command()
@click.argument("directory", default=".")
@options.database
@_as_json
def rebuild(directory: str, database: Path | None, as_json: bool) -> None:
    """Derive all relations anew from the log.

    DIRECTORY is any path in a mount or in its source; without it, the working directory. Readers see
    the old relations until it is done.
    """
    from mycelial.graph.garbage import collect_rarely
    from mycelial.graph.rebuild import rebuild as rebuild_in
    from mycelial.store.answers import Answers

    place = locate(directory, database)
    path = place.database
    with Answers.open(path, None) as answers:  # says what is wrong, and makes no new database
        size = answers.size()
    collect_rarely()
    with progress_bar("rebuilding", size) as moved:
        done = rebuild_in(path, moved, live=place.is_recording)
    _report(done, path, as_json)


def _report(done: int, database: Path, as_json: bool) -> None:
    if as_json:
        output.print_json({"database": str(database), "events": done})
    elif sys.stderr.isatty():
        print(f"{done} events", file=sys.stderr)


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal", "-lock"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)


COMMANDS = {"replay": replay, "rebuild": rebuild}
