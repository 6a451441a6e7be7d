"""What a mount needs when nothing happens, and whether it needs more and more when much happens for long."""

from __future__ import annotations

import os
import subprocess
import time
from itertools import count
from pathlib import Path

from bench.measures.setting import Setting
from bench.processes import cpu_seconds, resident_bytes, wakeups
from bench.results import Curve, Figure

_QUIET = 3.0  # seconds after which all that was put off is done
_POINTS = 8
_GROWTH = 5.0  # MB: what caches take that are not full yet
_KEPT = 500  # files that programs make, again and again
_WAKEUPS = 0.2  # a second: what a poll every five seconds would need


def idle(setting: Setting) -> None:
    """Processor time and wake-ups of mount and engine together while nobody asks for anything."""
    with setting.mount("mycelial") as subject:
        _work(subject.root / "work", 20)
        time.sleep(_QUIET if setting.extent.full else 0.5)
        assert subject.pid is not None
        setting.progress("idle")
        before = cpu_seconds(subject.pid), wakeups(subject.pid)
        time.sleep(setting.extent.idle)
        # A thread that has ended meanwhile takes its count along.
        used = max(0.0, cpu_seconds(subject.pid) - before[0])
        woken = max(0, wakeups(subject.pid) - before[1])
    figures = setting.result.figures
    figures["idle-cpu"] = Figure(
        f"processor time in {setting.extent.idle:g} s of idling", "s", used, setting.bound(0.0)
    )
    figures["idle-wakeups"] = Figure(
        "wake-ups while idle", "a second", woken / setting.extent.idle, setting.bound(_WAKEUPS)
    )


def soak(setting: Setting) -> None:
    """Memory of mount and engine over a time of steady load: ever new files, and ever new programs."""
    mount: list[tuple[float, float]] = []
    engine: list[tuple[float, float]] = []
    with setting.mount("mycelial") as subject:
        made = subject.root / "made"
        made.mkdir()
        begun = time.monotonic()
        numbers = count()
        for point in range(1, _POINTS + 1):
            end = begun + setting.extent.soak * point / _POINTS
            setting.progress(f"steady load: {point} of {_POINTS}")
            while time.monotonic() < end:
                number = next(numbers)
                _work(subject.root / str(number), 10)
                _make(made, number)
            seconds = time.monotonic() - begun
            engine_pid = subject.engine_pid()
            assert subject.pid is not None
            mount.append((seconds, resident_bytes(subject.pid) / 1e6))
            if engine_pid is not None:
                engine.append((seconds, resident_bytes(engine_pid) / 1e6))
        told = subject.status()
    figures = setting.result.figures
    for name, points in (("mount", mount), ("engine", engine)):
        figures[f"soak-{name}"] = Figure(
            f"growth of the {name} in the second half of {setting.extent.soak:g} s of steady load",
            "MB",
            points[-1][1] - points[len(points) // 2 - 1][1] if points else 0.0,
            setting.bound(_GROWTH),
        )
    recorded, lost = _told(told, "engine", "events"), _told(told, "engine", "dropped")
    lost += _told(told, "core", "events_dropped")
    figures["soak-events"] = Figure("events recorded meanwhile", "events a second", recorded / seconds)
    figures["soak-lost"] = Figure("events lost meanwhile", "events", lost, setting.bound(0.0))
    lines = {"mount": mount, "engine": engine}
    setting.result.curves["soak"] = Curve("memory under steady load", "s", "MB", lines)


def _told(status: dict[str, object], part: str, name: str) -> float:
    """A number that the mount says of one of its parts."""
    said = status.get(part)
    number = said.get(name) if isinstance(said, dict) else None
    return float(number) if isinstance(number, int) else 0.0


def _make(directory: Path, number: int) -> None:
    """A program that is seen for the first time makes a file from the one before."""
    script = f"cat {(number - 1) % _KEPT} > {number % _KEPT}"
    subprocess.run(["sh", "-c", script], cwd=directory, stderr=subprocess.DEVNULL, check=False)


def _work(directory: Path, files: int) -> None:
    """Makes files, reads them, renames and removes them again, but keeps the directory's."""
    directory.mkdir(exist_ok=True)
    for number in range(files):
        path = f"{directory}/{number}"
        with open(path, "w") as file:
            file.write("x" * 100)
        with open(path) as file:
            file.read()
        os.rename(path, f"{path}.renamed")
        os.unlink(f"{path}.renamed")
    if not any(directory.iterdir()):
        directory.rmdir()
