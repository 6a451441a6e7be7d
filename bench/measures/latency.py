"""How long a single request takes, at the median and at the 99th percentile, quietly and under load.

Under load means: while eight clients walk the virtual tree, whose answers come from the database, and while
the engine takes events in, or looks at a large database for clusters. Eight clients on few cores make
everybody wait for a core, whatever they do; so the same is measured while they walk the source itself, past
the mount, and the difference is ours. So does the one who makes the events: the same is measured while he
does and the engine is stopped.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TypeAlias

from bench.fixtures import BLOCK
from bench.measures.setting import Setting, crowd, make_projects
from bench.results import Figure
from bench.running import Running
from bench.synthetic.database import fill

_CLIENTS = 8
_PROJECTS = 5  # that are there as files, too
_SLOWER = 1.5  # times the quiet latency, at the most

Load: TypeAlias = Callable[[], AbstractContextManager[None]]


def latency(setting: Setting) -> None:
    """Fills in figures for each subject quietly, and for our mount under each kind of load."""
    extent = setting.extent
    paths = make_projects(setting.source(), _PROJECTS)
    database = setting.directory / "latency.db"
    fill(database, extent.database[-1], 10 * extent.database[-1], os.geteuid())
    for name in ("native", "bindfs"):
        if name == "native" or shutil.which(name):
            with setting.mount(name) as subject:
                _tell(setting, f"{name}, quiet", _rounds(setting, subject, {"quiet": nullcontext})["quiet"])
    with setting.mount("mycelial", database) as subject:
        loads: dict[str, Load] = {
            "quiet": nullcontext,
            "8 clients walk the source": lambda: crowd(_CLIENTS, _walker(subject.source, paths)),
            "8 clients walk the virtual tree": lambda: crowd(
                _CLIENTS, _walker(subject.root / ".mycelial" / "related", paths)
            ),
            "the engine takes events in": lambda: crowd(1, partial(_make_files, subject.root)),
            "the engine is stopped meanwhile": lambda: _stopped(subject),
            "clusters are looked for": lambda: _clustering(database),
        }
        taken = _rounds(setting, subject, loads)
    for load, calls in taken.items():
        _tell(setting, f"mycelial, {load}", calls)
    tree, source = "8 clients walk the virtual tree", "8 clients walk the source"
    engine, stopped = "the engine takes events in", "the engine is stopped meanwhile"
    for load, reference in (
        (tree, "quiet"),
        (tree, source),
        (engine, "quiet"),
        (engine, stopped),
        ("clusters are looked for", "quiet"),
    ):
        for call, seconds in taken[load].items():
            ratio = _percentile(seconds, 99) / _percentile(taken[reference][call], 99)
            setting.result.figures[f"latency-{call}-{load}-{reference}"] = Figure(
                f"{call}, p99, {load} / {reference}", "times", ratio, setting.bound(_SLOWER)
            )


def _rounds(setting: Setting, subject: Running, loads: dict[str, Load]) -> dict[str, dict[str, list[float]]]:
    """Seconds of each single call: load -> kind of call -> all rounds' calls."""
    taken: dict[str, dict[str, list[float]]] = {load: {} for load in loads}
    for number in range(setting.extent.rounds):
        for turn, (load, begin) in enumerate(loads.items()):
            setting.progress(f"latency: {subject.subject.name}, {load}")
            calls = _prepare(setting, subject, f"{number}-{turn}")
            with begin():
                time.sleep(0.05)
                for kind, acts in calls.items():
                    taken[load].setdefault(kind, []).extend(_timed(acts))
    return taken


def _prepare(setting: Setting, subject: Running, mark: str) -> dict[str, list[Callable[[], object]]]:
    """New files, made past the mount, so that each stat is one question to it."""
    place = f"latency-{subject.subject.name}-{mark}"
    (subject.source / place).mkdir()
    paths = []
    for number in range(setting.extent.calls):
        (subject.source / place / str(number)).write_bytes(bytes(BLOCK))
        paths.append(f"{subject.root}/{place}/{number}")
    os.stat(subject.root / place)
    return {
        "stat, not cached": [partial(os.stat, path) for path in paths],
        "open + read + close": [partial(_read, path) for path in paths],
    }


def _read(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.read(descriptor, BLOCK)
    os.close(descriptor)


def _timed(acts: list[Callable[[], object]]) -> Iterator[float]:
    for act in acts:
        begun = time.perf_counter()
        act()
        yield time.perf_counter() - begun


def _walker(root: Path, paths: list[str]) -> Callable[[int], None]:
    """What one client does: lists a directory and looks at each entry, each client elsewhere."""
    turns = [0]

    def walk(client: int) -> None:
        turns[0] += 1
        path = root / paths[(client * 131 + turns[0]) % len(paths)]
        directory = path if path.is_dir() else path.parent
        with os.scandir(directory) as entries:
            for entry in entries:
                entry.stat(follow_symlinks=False)

    return walk


@contextmanager
def _stopped(subject: Running) -> Iterator[None]:
    """A client makes the same events, which nobody takes in before it has ended."""
    with subject.held(), crowd(1, partial(_make_files, subject.root)):
        yield
    subject.settle()


@contextmanager
def _clustering(database: Path) -> Iterator[None]:
    """What the engine has done beside it now and then: the whole is looked at, for clusters and hubs."""
    command = [sys.executable, "-m", "mycelial.graph.looking", "--db", str(database)]
    looking = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        looking.kill()
        looking.wait()


def _make_files(root: Path, client: int) -> None:
    """What one client does that makes events as fast as it can, so that the engine has its hands full."""
    directory = root / f"busy-{client}"
    directory.mkdir(exist_ok=True)
    for number in range(50):
        (directory / str(number)).write_text("x")


def _tell(setting: Setting, title: str, calls: dict[str, list[float]]) -> None:
    for call, seconds in calls.items():
        for percent in (50, 99):
            name = f"latency-{call}-{title}-p{percent}"
            value = _percentile(seconds, percent) * 1e6
            setting.result.figures[name] = Figure(f"{call}, p{percent}, {title}", "µs", value)


def _percentile(seconds: list[float], percent: int) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1]
