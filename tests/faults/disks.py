"""Disks that cannot be had in a test."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.mount.mounted import Mounted, mounted_at, run, wait_until


@contextlib.contextmanager
def faulty_source(place: Mounted) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.faulty", place.source.name],
        cwd=place.source.parent,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        wait_until(
            lambda: mounted_at(place.source) or process.poll() is not None, what="the failing filesystem"
        )
        yield
    finally:
        run(["fusermount3", "-u", "-z", str(place.source)])
        process.terminate()
        process.wait(60)
