"""A figure without its machine says nothing, so each result carries the facts that explain it."""

from __future__ import annotations

import ctypes.util
import os
import platform
import re
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """What a reader needs to judge a result: hardware, kernel, file system, libraries and how busy it was."""

    kernel: str
    cpu: str
    cores: int
    memory_mib: int
    python: str
    libfuse: str
    file_system: str
    user: str
    load: float

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def describe_machine(directory: Path) -> Machine:
    """The facts of this machine, with the file system that holds `directory`."""
    return Machine(
        kernel=platform.release(),
        cpu=_cpu_model(),
        cores=len(os.sched_getaffinity(0)),
        memory_mib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        python=platform.python_version(),
        libfuse=libfuse_version(),
        file_system=file_system_of(directory),
        user="root" if os.geteuid() == 0 else "ordinary user",
        load=round(os.getloadavg()[0], 2),
    )


def _cpu_model() -> str:
    text = Path("/proc/cpuinfo").read_text(errors="replace")
    found = re.search(r"^(?:model name|Model|cpu model)\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.machine()


def libfuse_version() -> str:
    """The version that the installed libfuse3 states itself, or "none"."""
    name = ctypes.util.find_library("fuse3")
    if name is None:
        return "none"
    version = ctypes.CDLL(name).fuse_pkgversion
    version.restype = ctypes.c_char_p
    return str(version().decode())


def file_system_of(directory: Path) -> str:
    """The type of the file system that holds `directory`, from the longest mount point that leads to it."""
    real = os.path.realpath(directory)
    best, kind = "", "unknown"
    for line in Path("/proc/self/mounts").read_text(errors="surrogateescape").splitlines():
        _, point, file_system, *_ = line.split(" ")
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal.group(1), 8)), point)
        holds = real == point or real.startswith(point.rstrip("/") + "/")
        if holds and len(point) >= len(best):
            best, kind = point, file_system
    return kind


def version_line(command: list[str]) -> str:
    """The first line that a program prints about its version; empty if it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0] if lines else ""
