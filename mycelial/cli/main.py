"""The entry point: finds the command, and turns whatever goes wrong into one line and an exit code.

A command's module is imported when the command is called, and not before: most calls come from
scripts and editors, and wait.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from mycelial import __version__
from mycelial.cli.failure import Failure
from mycelial.record.display import one_line, printable

COMMANDS = {
    "related": "ask",
    "together": "ask",
    "next": "ask",
    "sources": "ask",
    "products": "ask",
    "why": "explain",
    "how": "how",
    "stale": "stale",
    "recent": "recent",
    "clusters": "clusters",
    "hubs": "hubs",
    "sessions": "sessions",
    "search": "search",
    "graph": "graph",
    "status": "status",
    "events": "events",
    "replay": "derive",
    "rebuild": "derive",
    "check": "upkeep",
    "prune": "upkeep",
    "backup": "upkeep",
    "forget": "privacy",
    "pause": "privacy",
    "resume": "privacy",
    "exclude": "privacy",
    "doctor": "doctor",
}
"""Each command and the module of this package that holds it, under its own name."""


class Commands(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of the help text."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, or None if there is no such."""
        if cmd_name not in COMMANDS:
            return None
        commands = import_module(f"mycelial.cli.{COMMANDS[cmd_name]}").COMMANDS
        command: click.Command = commands[cmd_name]
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; what goes wrong becomes a Failure, unless --debug wants to see it."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError, Failure):
            raise
        except Exception as problem:
            if ctx.params["debug"]:
                raise
            raise Failure(_in_one_line(problem)) from problem


@click.group(
    cls=Commands,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--debug", is_flag=True, help="Show a traceback if something fails.")
@click.version_option(__version__, "-V", "--version", message="mycelial %(version)s")
def mycelial(debug: bool) -> None:
    """Ask which files belong together.

    Files are named by paths inside a mount or inside its source directory. With --db the paths are relative
    to the root of the mount that was recorded.

    Exit codes: 0 done, 1 it could not, 2 wrong usage.
    """


def main() -> None:
    """Run as a program."""
    sys.exit(run(sys.argv[1:]))


def run(args: Sequence[str]) -> int:
    """Run the command line `args` and return the exit code."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows no UTF-8
    try:
        code = mycelial.main(args=list(args), prog_name="mycelial", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.UsageError as problem:
        command = problem.ctx.command_path if problem.ctx else "mycelial"
        return _fail(f"{problem.format_message()} (see: {command} --help)", 2)
    except click.ClickException as problem:
        return _fail(problem.format_message(), problem.exit_code)
    except Failure as problem:
        return _fail(str(problem), 1)
    except BrokenPipeError:
        # The reader has seen enough. Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as problem:  # the last flush: the disk behind the standard output is full
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _fail(_in_one_line(problem), 1)
    except (KeyboardInterrupt, click.Abort):
        return 130


def _open_what_is_closed() -> None:
    """Lead to nowhere each standard stream that is closed, lest a database be opened under its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this stream's
            setattr(sys, name, os.fdopen(nowhere, "w" if number else "r"))


def _fail(text: str, code: int) -> int:
    print("mycelial:", one_line(text), file=sys.stderr)
    return code


def _in_one_line(problem: Exception) -> str:
    """Return what to tell a user; a bug is called one."""
    # Imported late: most calls of most commands never fail.
    from mycelial.store.errors import StoreError

    if isinstance(problem, OSError):
        where = f"{printable(os.fsdecode(problem.filename))}: " if problem.filename else ""
        return where + (problem.strerror or str(problem))
    if isinstance(problem, (StoreError, ValueError)):
        return str(problem)
    return f"internal error, or a damaged database: {type(problem).__name__}: {problem} (see --debug)"
