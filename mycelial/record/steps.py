"""One step of a recipe: the commands that made one file at one time, as data.

The engine works steps out, the store keeps them as JSON, and :mod:`mycelial.record.script` writes them down
for a shell or for make.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from mycelial.record.encoding import encoder

NOWHERE = "/dev/null"
"""There goes what a command says where nobody knows who read that: no file of the tree, nor a terminal."""

_encode = encoder()


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a pipeline.

    Attributes
    ----------
    args : tuple of str
    stdin, stdout, stderr : str
        Files that the shell gave it: relative to the mount's root, or absolute where they lie elsewhere.
        Empty where nothing is redirected. An stderr of ``&1`` goes where the standard output goes.
    appends : bool
        Whether what is written goes after what is there.
    cwd : str
        Where it ran, absolute; empty: where the last command of the pipeline did, as far as is known.
    """

    args: tuple[str, ...]
    stdin: str = ""
    stdout: str = ""
    stderr: str = ""
    appends: bool = False
    cwd: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """How a file was made once.

    Attributes
    ----------
    product : str
        Its path at the time, relative to the mount's root.
    commands : tuple of Command
        The pipeline that made it, the last command being the one that wrote; empty if none is known.
    cwd : str
        Where they ran, absolute; empty if not known.
    root : str
        Where the mount's root was; empty if not known.
    sure : bool
        Whether these commands are all there was to it.
    shell : tuple of str
        The command line of the shell that ran them, if running that would do the same; else empty.
    shell_cwd : str
        Where the shell was.
    whole : bool
        Whether the step makes the whole content, together with the steps before it; otherwise it changed
        a file that somebody had written by hand.
    reads : tuple of (number, path)
        The direct sources, and their paths at the time.
    by : tuple of (pid, start)
        The process that stands for it.
    shell_by : tuple of (pid, process group)
        The run of the shell.
    t : float
        When it was finished, in seconds since the epoch.
    above : tuple of pid
        What that process was started by, the nearest first, as far as it was no shell.
    later : str
        The name that the shell gave the product afterwards; empty if it did not.
    """

    product: str
    commands: tuple[Command, ...] = ()
    cwd: str = ""
    root: str = ""
    sure: bool = False
    shell: tuple[str, ...] = ()
    shell_cwd: str = ""
    whole: bool = True
    reads: tuple[tuple[int, str], ...] = ()
    by: tuple[int, int] = (0, 0)
    shell_by: tuple[int, int] = (0, 0)
    t: float = 0.0
    above: tuple[int, ...] = ()
    later: str = ""


_of_command, _of_step = attrgetter(*Command.__slots__), attrgetter(*Step.__slots__)


def steps_to_json(steps: tuple[Step, ...]) -> str:
    """Return `steps` as ASCII."""
    return _encode([_plain(step) for step in steps])


def _plain(step: Step) -> dict[str, Any]:
    """Return what `dataclasses.asdict` does, without its copies: there are many steps to write."""
    record = dict(zip(Step.__slots__, _of_step(step), strict=True))
    record["commands"] = [dict(zip(Command.__slots__, _of_command(c), strict=True)) for c in step.commands]
    return record


def steps_from_json(text: str | None) -> tuple[Step, ...]:
    """Return what :func:`steps_to_json` gave; nothing for nothing."""
    return tuple(map(_step, json.loads(text))) if text else ()


def _step(record: dict[str, Any]) -> Step:
    pid, start = record["by"]
    shell_pid, group = record["shell_by"]
    return Step(
        **{
            **record,
            "commands": tuple(Command(**{**c, "args": tuple(c["args"])}) for c in record["commands"]),
            "shell": tuple(record["shell"]),
            "reads": tuple((number, path) for number, path in record["reads"]),
            "by": (pid, start),
            "shell_by": (shell_pid, group),
            "above": tuple(record.get("above", ())),
        }
    )
