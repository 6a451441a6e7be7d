"""forget, pause, resume and exclude: what is kept of you, and what is not."""

from __future__ import annotations

import math
import os
import re
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mycelial.cli import options, output
from mycelial.cli.failure import Failure
from mycelial.cli.place import Place, locate
from mycelial.record.display import moment, printable
from mycelial.record.location import config_path, state_dir

if TYPE_CHECKING:
    from mycelial.store.forgetting import Selection

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d{1,9})([smhdw])")
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print a JSON object when it is done.")


def _seconds(text: str) -> float | None:
    """Return what a duration such as 90m or 1h30m is in seconds; None if it is none."""
    if not re.fullmatch(f"(?:{_DURATION.pattern})+", text):
        return None
    return float(sum(int(number) * _UNITS[unit] for number, unit in _DURATION.findall(text)))


def _moment(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    if (ago := _seconds(value)) is not None:
        return time.time() - ago
    try:
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(f"{value!r}: write 2h, 3d or 2025-12-31 (or 2025-12-31T08:30)") from None


@click.command()
@click.argument("paths", metavar="[FILE|DIR]...", nargs=-1)
@click.option("--since", callback=_moment, metavar="WHEN", help="Only what happened from then on.")
@click.option("--before", callback=_moment, metavar="WHEN", help="Only what happened before.")
@click.option("--all", "everything", is_flag=True, help="Everything, for good.")
@click.option("--excluded", is_flag=True, help="What the settings exclude from recording by now.")
@click.option(
    "--mutes", is_flag=True, help='What was said to be "not related" by removing links in related/.'
)
@options.database
@_AS_JSON
def forget(
    paths: tuple[str, ...],
    since: float | None,
    before: float | None,
    everything: bool,
    excluded: bool,
    mutes: bool,
    database: Path | None,
    as_json: bool,
) -> None:
    """Remove from the record, for good.

    FILE and DIR (with all below it) are forgotten under the names that they had before, too. Without them,
    --since and --before mean everything in that time, in the mount or source of the working directory. WHEN
    is a date, a date and time (2025-12-31T08:30), or how long ago (30m, 2h, 3d).

    Relations are derived anew from what is left of the log. Works while it is mounted. On a mount of another
    user's, what you did yourself is forgotten.
    """
    bounded = since is not None or before is not None
    if sum((bool(paths or bounded), everything, excluded, mutes)) != 1:
        raise click.UsageError(
            "say what to forget: FILE or DIR, --since, --before, or one of --all, --excluded, --mutes"
        )
    place = locate(paths[0] if paths else ".", database, foreign=not excluded)
    if place.is_foreign:
        from mycelial.cli import through

        if mutes:
            through.forget_mutes(place)
        else:
            through.forget(place, tuple(_below_root(place, path) for path in paths), since, before)
        return
    if mutes:
        _forget_mutes(place, as_json)
        return
    from mycelial.store.forgetting import Selection

    if excluded:
        selection = Selection(excluded=_excludes(place, _config_of(place)))
    else:
        selection = Selection(tuple(_below_root(place, path) for path in paths), since, before)
    _report("events", _forget(place, selection), place, as_json)


def _below_root(place: Place, given: str) -> str:
    if place.is_whole(given):
        raise Failure(f"{printable(given)} is all there is: mycelial forget --all")
    return place.relative(given)


def _forget(place: Place, selection: Selection) -> int:
    from mycelial.graph.forget import forget as forget_in
    from mycelial.store.answers import Answers

    Answers.open(place.database, None).close()  # says what is wrong, and makes no new database
    return forget_in(place.database, selection, live=place.is_recording)


def _forget_mutes(place: Place, as_json: bool) -> None:
    from mycelial.graph.forget import forget_mutes
    from mycelial.store.answers import Answers

    Answers.open(place.database, None).close()
    _report("mutes", forget_mutes(place.database, os.getuid(), live=place.is_recording), place, as_json)


def _report(what: str, count: int, place: Place, as_json: bool) -> None:
    if as_json:
        output.print_json({"database": str(place.database), what: count})
    else:
        print(f"{count} {what} forgotten", file=sys.stderr)


@click.command()
@click.argument("duration", required=False)
@click.argument("directory", required=False)
@options.database
def pause(duration: str | None, directory: str | None, database: Path | None) -> None:
    """Record nothing for a while.

    DURATION is 30m, 2h, 1h30m or 3d; without it, until `mycelial resume`. DIRECTORY is any path in a mount or
    in its source; without it, the working directory. What happens meanwhile is not recorded later either,
    and it lasts over unmounting and restarts. On a mount of another user's, it is about what you do yourself.
    """
    if duration and directory is None and _seconds(duration) is None and os.path.isdir(duration):
        duration, directory = None, duration
    seconds = None if duration is None else _seconds(duration)
    if duration is not None and not seconds:
        raise click.BadParameter(f"{duration!r}: write 30m, 2h, 1h30m or 3d", param_hint="DURATION")
    until = math.inf if seconds is None else time.time() + seconds
    _pause_until(locate(directory or ".", database, foreign=True), until)
    print(
        "paused " + ("until `mycelial resume`" if duration is None else f"until {moment(until)}"),
        file=sys.stderr,
    )


@click.command()
@click.argument("directory", default=".")
@options.database
def resume(directory: str, database: Path | None) -> None:
    """Record again.

    DIRECTORY is any path in a mount or in its source; without it, the working directory.
    """
    _pause_until(locate(directory, database, foreign=True), 0.0)
    print("recording", file=sys.stderr)


def _pause_until(place: Place, t: float) -> None:
    from mycelial.store.answers import Answers
    from mycelial.store.handover import maintaining

    if place.is_foreign:
        from mycelial.cli import through

        through.pause_until(place, t)
        return
    if not place.is_recording:
        Answers.open(place.database, None).close()
    with maintaining(place.database, live=place.is_recording) as writer:
        writer.begin()
        writer.pause_until(t)
        writer.commit()


@click.command()
@click.argument("pattern")
@click.argument("directory", default=".")
@click.option(
    "--forget/--keep", "forget_too", default=None, help="Forget what was recorded of such files, or not."
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Add it to this configuration file.",
)
@options.database
def exclude(
    pattern: str, directory: str, forget_too: bool | None, config: Path | None, database: Path | None
) -> None:
    """Do not record files that fit PATTERN from now on.

    PATTERN has gitignore's syntax and is added to the configuration file, so it counts for all your mounts,
    at once. DIRECTORY is any path in a mount or in its source; without it, the working directory: if such
    files were recorded there, you are asked whether to forget them.
    """
    from mycelial.record.settings import add_exclusion
    from mycelial.store.answers import Answers
    from mycelial.store.forgetting import Selection

    place = _place_or_none(directory, database)
    file = config or _config_of(place)
    is_new = add_exclusion(file, pattern)
    print(f"{printable(str(file))}: {'added' if is_new else 'it was there already'}", file=sys.stderr)
    _have_settings_read(place)
    if place is None or not place.database.exists():
        return
    excludes = _excludes(place, file)
    with Answers.open(place.database, None) as answers:
        count = answers.count_events(excludes)
    if not count:
        return
    if forget_too is None and sys.stdin.isatty():
        forget_too = click.confirm(f"{count} events of excluded files are in the log. Forget them?", err=True)
    if forget_too:
        _report("events", _forget(place, Selection(excluded=excludes)), place, as_json=False)
    else:
        print(
            f"{count} events of excluded files stay in the log: mycelial forget --excluded", file=sys.stderr
        )


def _place_or_none(directory: str, database: Path | None) -> Place | None:
    try:
        return locate(directory, database)
    except Failure:
        return None  # nothing was recorded there yet


def _config_of(place: Place | None) -> Path:
    """Return the configuration file that counts there: the mount's own, or the usual one."""
    told = None if place is None else place.status.get("config")
    return Path(told) if isinstance(told, str) else config_path()


def _excludes(place: Place, config: Path) -> Callable[[str], bool]:
    """Return what says of a path whether it is left out, by the settings and by the mount's own options."""
    from mycelial.record.settings import load_settings

    own = place.status.get("exclude")
    more = tuple(str(pattern) for pattern in own) if isinstance(own, list) else ()
    return load_settings(config).exclusion_rules(more).excludes


def _have_settings_read(place: Place | None) -> None:
    """Let every live mount of this user take up the settings."""
    from mycelial.store.errors import StoreError
    from mycelial.store.handover import nudge

    databases = {*state_dir().glob("*.db"), *([place.database] if place is not None else ())}
    for database in sorted(databases):
        try:
            nudge(database)
        except StoreError as problem:
            print(f"mycelial: {printable(str(problem))}", file=sys.stderr)


COMMANDS = {"forget": forget, "pause": pause, "resume": resume, "exclude": exclude}
