"""prune, backup and check: keeping the database small, safe and sound."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from mycelial.cli import options, output
from mycelial.cli.place import locate
from mycelial.cli.progress import progress_bar
from mycelial.record.display import printable
from mycelial.record.location import config_path

_as_json = click.option("--json", "as_json", is_flag=True, help="Print a JSON object when it is done.")


def _amount(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    from mycelial.record.settings import MOST

    if value is None or 0 <= value < MOST:
        return value
    raise click.BadParameter(f"{value} is no number between 0 and {MOST:.0e}", ctx, param)


@click.command()
@click.argument("directory", default=".")
@click.option(
    "--days",
    type=float,
    callback=_amount,
    metavar="N",
    help="Keep events of the last N days, counted back from the newest event; 0: of all.",
)
@click.option("--events", type=int, callback=_amount, metavar="N", help="Keep the newest N events; 0: all.")
@click.option(
    "--megabytes",
    type=float,
    callback=_amount,
    metavar="N",
    help="Drop the oldest events while the database has more than N million bytes; 0: it may.",
)
@options.database
@_as_json
def prune(
    directory: str,
    days: float | None,
    events: int | None,
    megabytes: float | None,
    database: Path | None,
    as_json: bool,
) -> None:
    """Drop what need not be kept, and give the room back to the disk.

    DIRECTORY is any path in a mount or in its source; without it, the working directory.

    What is not given is as in the configuration file; a mount does by itself what that says. Relations that
    followed from dropped events stay until a rebuild.
    """
    from mycelial.record.settings import load_settings
    from mycelial.store.answers import Answers
    from mycelial.store.handover import maintaining
    from mycelial.store.log import Retention
    from mycelial.store.upkeep import Tally, keep_small

    settings = load_settings(config_path())
    place = locate(directory, database)
    path = place.database
    Answers.open(path, None).close()  # says what is wrong, and makes no new database
    retention = Retention(
        settings.retention_days if days is None else days,
        settings.retention_events if events is None else events,
        int(1e6 * (settings.retention_megabytes if megabytes is None else megabytes)),
    )
    before, tally = path.stat().st_size, Tally()
    with maintaining(path, live=place.is_recording) as writer:
        for _ in keep_small(writer, retention, tally, thorough=True):
            pass
        writer.compact()
    after = path.stat().st_size
    if as_json:
        output.print_json({"database": str(path), **asdict(tally), "before": before, "after": after})
    else:
        print(
            f"dropped {tally.events} events, {tally.paths} names, {tally.processes} processes"
            f" and {tally.files} files that are gone; {before / 1e6:.1f} MB are {after / 1e6:.1f} MB now"
        )


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.argument("directory", default=".")
@options.database
@_as_json
def backup(target: Path, directory: str, database: Path | None, as_json: bool) -> None:
    """Copy the database as it is now to TARGET, a file or directory.

    DIRECTORY is any path in a mount or in its source; without it, the working directory. It may be
    recorded into meanwhile. An older copy is replaced once the new one is whole.
    """
    from mycelial.store.backup import back_up

    path = locate(directory, database).database
    with progress_bar("copying", 1000) as moved:
        copy = back_up(path, target, lambda done, total: moved(1000 * done // max(1, total)))
    if as_json:
        output.print_json({"database": str(path), "copy": str(copy), "bytes": copy.stat().st_size})


@click.command()
@click.argument("directory", default=".")
@click.option("--quick", is_flag=True, help="Do not derive everything again to compare.")
@options.database
@options.as_json
@click.pass_context
def check(ctx: click.Context, directory: str, quick: bool, database: Path | None, as_json: bool) -> None:
    """Verify everything that must be true of the database.

    DIRECTORY is any path in a mount or in its source; without it, the working directory.

    Prints one line for each thing that is wrong; exit code 1 if anything is. `mycelial rebuild` mends what
    follows from the log.
    """
    from mycelial.graph.comparing import differences
    from mycelial.store.check import problems

    path = locate(directory, database).database
    found = list(problems(path))
    if not found and not quick:
        with progress_bar("comparing", 1000) as moved:
            found = list(differences(path, moved))
    if as_json:
        output.print_json([{"problem": problem} for problem in found])
    else:
        for problem in found:
            print(printable(problem))
    if found:
        ctx.exit(1)


COMMANDS = {"prune": prune, "backup": backup, "check": check}
