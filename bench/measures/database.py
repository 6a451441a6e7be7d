"""What the size of the database costs: asking, starting, and taking in a log."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.measures.setting import Setting, make_projects
from bench.results import Curve, Figure
from bench.subjects import mycelial_mount
from bench.synthetic.__main__ import write_log
from bench.synthetic.database import HUB, fill
from mycelial.store.lock import WriterLock

_PROJECTS = 5
_WARM_SECONDS, _COLD_SECONDS, _START_SECONDS = 0.001, 0.005, 0.5
_ENGINE_ENDS = 20.0  # seconds
_EVENTS_A_SECOND = 20_000.0
_INGEST_BYTES = 300e6
_LOG_FILES = 200_000


def ask(setting: Setting) -> None:
    """Listing what is related to a file, warm and cold, and mounting, by size of the database."""
    source = setting.source()
    paths = make_projects(source, _PROJECTS)
    (source / HUB).touch()
    lines: dict[str, list[tuple[float, float]]] = {}
    starts, sizes = [], []
    for size in setting.extent.database:
        setting.progress(f"a database of {size} files")
        database = setting.directory / f"{size}.db"
        fill(database, size, 10 * size, os.geteuid())
        sizes.append((float(size), database.stat().st_size / 1e6))
        seconds, start = _ask_one(setting, database, paths[: min(len(paths), size)])
        for line, taken in seconds.items():
            lines.setdefault(line, []).append((float(size), taken * 1e3))
        starts.append((float(size), start))
        _remove(database)
    curves = setting.result.curves
    unit = "files in the database"
    curves["related"] = Curve("ls .mycelial/related/FILE/", unit, "ms", lines)
    curves["start"] = Curve("mounting, until it answers", unit, "s", {"mycelial": starts})
    curves["database-size"] = Curve("size of the database", unit, "MB", {"mycelial": sizes})
    _largest(setting, setting.extent.database[-1], lines, starts[-1][1])


def _ask_one(setting: Setting, database: Path, paths: list[str]) -> tuple[dict[str, float], float]:
    """Medians for one database, in seconds: of each kind of listing, and of mounting."""
    cold, starts = [], []
    for attempt in range(setting.extent.rounds):
        _evict(database)
        mount = _Mount(setting, database)
        with mount:
            starts.append(mount.seconds)
            cold.append(_list(mount.root, paths[-1 - attempt]))
    with mount:
        _list(mount.root, paths[-1])
        taken = {
            "warm": [_list(mount.root, path) for path in paths[: setting.extent.calls]],
            "the same again": [_list(mount.root, paths[0]) for _ in range(100)],
            "a hub": [_list(mount.root, HUB)],
            "cold": cold,
        }
    return {line: statistics.median(seconds) for line, seconds in taken.items()}, statistics.median(starts)


def _largest(setting: Setting, size: int, lines: dict[str, list[tuple[float, float]]], start: float) -> None:
    figures = setting.result.figures
    for name, line, bound in (("warm", "warm", _WARM_SECONDS), ("cold", "cold", _COLD_SECONDS)):
        figures[f"related-{name}"] = Figure(
            f"ls .mycelial/related/FILE/, {line}, {size:,} files",
            "ms",
            lines[line][-1][1],
            setting.bound(bound * 1e3),
        )
    figures["start"] = Figure(f"mounting with {size:,} files", "s", start, setting.bound(_START_SECONDS))


class _Mount:
    """A mount made by the command as people type it, which returns when it answers: `seconds` until then."""

    def __init__(self, setting: Setting, database: Path) -> None:
        self.root = setting.directory / "mount"
        self._database = database
        self._words = ["--db", str(database), str(setting.source()), str(self.root)]
        self.seconds = 0.0

    def __enter__(self) -> None:
        self.root.mkdir(exist_ok=True)
        begun = time.perf_counter()
        subprocess.run([mycelial_mount(), *self._words], check=True)
        self.seconds = time.perf_counter() - begun

    def __exit__(self, *_: object) -> None:
        subprocess.run(["fusermount3", "-u", str(self.root)], check=True)
        WriterLock(self._database, _ENGINE_ENDS).release()  # the engine has stored what there was


def _list(root: Path, path: str) -> float:
    begun = time.perf_counter()
    os.listdir(root / ".mycelial" / "related" / path)
    return time.perf_counter() - begun


def _evict(path: Path) -> None:
    """Has the kernel drop its copy of the file; what is not written yet stays."""
    os.sync()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def clusters(setting: Setting) -> None:
    """What looking for clusters takes of a core, which the engine leaves to a process of low priority."""
    seconds, memory = [], []
    for size in setting.extent.clusters:
        setting.progress(f"clusters among {size} files")
        database = setting.directory / f"{size}.db"
        fill(database, size, 10 * size, os.geteuid())
        usage = _run([sys.executable, "-m", "mycelial.graph.looking", "--db", str(database)])
        seconds.append((float(size), usage.ru_utime + usage.ru_stime))
        memory.append((float(size), usage.ru_maxrss * 1024 / 1e6))
        _remove(database)
    curves = setting.result.curves
    unit = "files in the database"
    curves["clusters"] = Curve("looking for clusters", unit, "s of a core", {"mycelial": seconds})
    curves["clusters-memory"] = Curve("memory of looking for clusters", unit, "MB", {"mycelial": memory})


def ingest(setting: Setting) -> None:
    """`mycelial replay` of made-up logs: events in a second of one core, and the memory it takes."""
    points, rates, sizes = [], [], []
    mycelial = str(Path(sys.executable).with_name("mycelial"))
    for count in setting.extent.events:
        setting.progress(f"replaying {count} events")
        log, database = setting.directory / f"{count}.jsonl", setting.directory / f"{count}.db"
        write_log(log, count, min(_LOG_FILES, count))
        usage = _run([mycelial, "replay", "--db", str(database), str(log)])
        seconds = usage.ru_utime + usage.ru_stime
        points.append((float(count), usage.ru_maxrss * 1024 / 1e6))
        rates.append((float(count), seconds / count * 1e6))
        sizes.append((float(count), database.stat().st_size / 1e6))
        log.unlink()
        _remove(database)
    result = setting.result
    result.curves["ingest-size"] = Curve("size of the database of a log", "events", "MB", {"mycelial": sizes})
    result.curves["ingest"] = Curve("replay, for each event", "events", "µs of a core", {"mycelial": rates})
    result.curves["ingest-memory"] = Curve("memory of replay", "events", "MB", {"mycelial": points})
    size = f"{setting.extent.events[-1]:,}"
    result.figures["ingest-rate"] = Figure(
        f"replay of {size} events",
        "events/s of a core",
        1e6 / rates[-1][1],
        setting.bound(_EVENTS_A_SECOND),
        at_least=True,
    )
    result.figures["ingest-memory"] = Figure(
        f"memory of replay of {size} events", "MB", points[-1][1], setting.bound(_INGEST_BYTES / 1e6)
    )


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-lock", "-journal"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)


def _run(command: list[str]) -> resource.struct_rusage:
    """Runs a program to its end and returns what it used."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage
