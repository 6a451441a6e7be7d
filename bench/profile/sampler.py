"""Samples the Python stack of the process that imports this, a few hundred times for each second it computes.

Imported by the engine when `bench.profile.load` starts it, through a `sitecustomize`; needs only the standard
library. The counts are written when the process ends: a stack a line, its frames joined by semicolons, and a
number (the "folded" format of Brendan Gregg's FlameGraph tools). They are also written now and then, for an
engine with too much left to do at the end is killed.
"""

from __future__ import annotations

import atexit
import signal
from collections import Counter
from pathlib import Path
from types import FrameType

_INTERVAL = 0.003  # seconds of processor time
_WRITE_EVERY = 200  # samples


def start(output: Path) -> None:
    """Begins, and writes to `output` at the end."""
    counts: Counter[str] = Counter()

    def sample(number: int, frame: FrameType | None) -> None:
        names = []
        while frame is not None:
            module = frame.f_globals.get("__name__", "?")
            names.append(f"{module}.{frame.f_code.co_name}".removeprefix("mycelial."))
            frame = frame.f_back
        counts[";".join(reversed(names))] += 1
        if counts.total() % _WRITE_EVERY == 0:
            write()

    def write() -> None:
        output.write_text("".join(f"{stack} {count}\n" for stack, count in counts.items()))

    def stop() -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        write()

    signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)
    atexit.register(stop)
