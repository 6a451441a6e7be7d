"""The commands as a user who may not read where they are installed: run in a child of the tests' process."""

from __future__ import annotations

import contextlib
import io
import os
import pkgutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import mycelial.cli
import mycelial.graph
import mycelial.record
import mycelial.store
from mycelial.cli.main import run
from mycelial.mount.main import _command as mount
from tests.mount.actor import Identity, run_apart

# After the change of user nothing can be imported any more.
for _package in (mycelial.cli, mycelial.store, mycelial.record):
    for _module in pkgutil.iter_modules(_package.__path__, f"{_package.__name__}."):
        import_module(_module.name)
import_module("mycelial.graph.forget")


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command gave."""

    returncode: int
    stdout: str
    stderr: str


def command(user: Identity, *words: str, cwd: Path, stdin: str = "") -> Finished:
    """Run `mycelial` as this user."""
    finished: Finished = run_apart(_inside, run, words, str(cwd), {}, stdin, identity=user, timeout=60)
    return finished


def mount_command(user: Identity, *words: str, environment: dict[str, str]) -> Finished:
    """Run `mycelial-mount` as this user, as far as a refusal."""
    finished: Finished = run_apart(_inside, mount, words, "/", environment, "", identity=user, timeout=60)
    return finished


def _inside(
    main: Callable[[list[str]], int], words: Sequence[str], cwd: str, environment: dict[str, str], stdin: str
) -> Finished:
    os.chdir(cwd)
    os.environ.update(environment)
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()))
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(words))
    texts = []
    for stream in (out, err):
        stream.flush()
        stream.seek(0)
        texts.append(stream.read())
    return Finished(code, *texts)
