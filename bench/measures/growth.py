"""How costs grow with the number of files that a mount knows, and of processes that it meets."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from bench.measures.setting import Setting
from bench.processes import resident_bytes
from bench.results import Curve, Figure

_PROBES = 500
_LINES = ("native", "bindfs", "mycelial")
_MOUNT_BYTES = 60e6
_INODE_BYTES = 250.0


def files(setting: Setting) -> None:
    """Cost of an uncached stat, and memory, after so many files were looked at."""
    sizes = setting.extent.files
    source = setting.source()
    made = 0
    for size in sizes:
        _fill(source / "known", made, size)
        made = size
    stats: dict[str, list[tuple[float, float]]] = {}
    memory: list[tuple[float, float]] = []
    for name in _installed(_LINES):
        setting.progress(f"{name} with up to {sizes[-1]} files")
        with setting.mount(name) as subject:
            at_rest = resident_bytes(subject.pid) if subject.pid else 0
            seen = 0
            for size in sizes:
                _look(subject.root / "known", seen, size)
                seen = size
                probe = f"probe-{name}-{size}"
                _fill(subject.source / probe, 0, _PROBES)
                seconds = _look(subject.root / probe, 0, _PROBES) / _PROBES
                stats.setdefault(name, []).append((size, seconds * 1e6))
                if name == "mycelial" and subject.pid:
                    memory.append((size, resident_bytes(subject.pid) / 1e6))
            if name == "mycelial" and subject.pid:
                grown = (resident_bytes(subject.pid) - at_rest) / (seen + len(sizes) * _PROBES)
    result = setting.result
    result.curves["files-stat"] = Curve("stat, not cached, among known files", "files", "µs", stats)
    result.curves["files-memory"] = Curve("memory of the mount", "files", "MB", {"mycelial": memory})
    result.figures["mount-memory"] = Figure(
        "memory of the mount at rest", "MB", at_rest / 1e6, setting.bound(_MOUNT_BYTES / 1e6)
    )
    result.figures["inode-memory"] = Figure(
        "memory of the mount for each inode", "bytes", grown, setting.bound(_INODE_BYTES)
    )


def _fill(directory: Path, begin: int, end: int) -> None:
    """Empty files, a hundred a directory."""
    for number in range(begin, end):
        if number % 100 == 0:
            (directory / str(number // 100)).mkdir(parents=True, exist_ok=True)
        (directory / str(number // 100) / str(number)).touch()


def _look(directory: Path, begin: int, end: int) -> float:
    """Stats them by name; seconds."""
    for number in range(begin, end, 100):
        os.stat(f"{directory}/{number // 100}")
    paths = [f"{directory}/{number // 100}/{number}" for number in range(begin, end)]
    begun = time.perf_counter()
    for path in paths:
        os.stat(path)
    return time.perf_counter() - begun


def processes(setting: Setting) -> None:
    """Cost of a short program that reads one file, as so many of them come one after the other."""
    source = setting.source()
    (source / "file").write_bytes(b"x")
    lines: dict[str, list[tuple[float, float]]] = {}
    for name in _installed((*_LINES, "mycelial-no-record")):
        with setting.mount(name) as subject:
            for count in setting.extent.processes:
                setting.progress(f"{name}: {count} short programs")
                script = f"i=0; while [ $i -lt {count} ]; do cat file; i=$((i + 1)); done"
                begun = time.perf_counter()
                subprocess.run(["sh", "-c", script], cwd=subject.root, stdout=subprocess.DEVNULL, check=True)
                microseconds = (time.perf_counter() - begun) / count * 1e6
                lines.setdefault(name, []).append((count, microseconds))
    result = setting.result
    result.curves["processes"] = Curve("a short program that reads one file", "programs", "µs", lines)
    lineage = lines["mycelial"][-1][1] - lines["mycelial-no-record"][-1][1]
    result.figures["lineage"] = Figure("a process seen for the first time, recorded", "µs more", lineage)


def _installed(names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name != "bindfs" or shutil.which("bindfs")]
