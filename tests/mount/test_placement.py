"""The reader runs where the program runs that asks, and wherever the kernel likes while several do."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted, wait_until

ALL = os.sched_getaffinity(0)
IN_A_ROW = 2000


def places(mount: Mounted) -> list[set[int]]:
    """Those processors, of each thread of the daemon, on which it may run."""
    daemon = int(mount.status()["pid"])
    found = []
    for thread in os.listdir(f"/proc/{daemon}/task"):
        with suppress(ProcessLookupError):  # it ended just now
            found.append(os.sched_getaffinity(int(thread)))
    return found


def ask_on(directory: Path, processor: int) -> None:
    """For names that are not there, of which the kernel knows nothing yet."""
    os.sched_setaffinity(0, {processor})
    for number in range(IN_A_ROW):
        assert not (directory / f"{os.getpid()}-{number}").exists()


@contextmanager
def asking_in_turns(directory: Path, processors: set[int]) -> Iterator[None]:
    stop = threading.Event()

    def ask(processor: int) -> None:
        number = 0
        os.sched_setaffinity(0, {processor})  # of this thread
        while not stop.is_set():
            number += 1
            assert not (directory / f"turn-{processor}-{number}").exists()

    threads = [threading.Thread(target=ask, args=(processor,)) for processor in (*processors, *processors)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_the_reader_goes_to_the_one_who_asks(mount: Mounted) -> None:
    for processor in sorted(ALL) * 2:
        run_apart(ask_on, mount.mountpoint, processor)
        told = places(mount)
        assert {processor} in told
        assert len(ALL) == 1 or sum(place == ALL for place in told) == len(told) - 1


def test_the_reader_runs_anywhere_while_several_ask(mount: Mounted) -> None:
    run_apart(ask_on, mount.mountpoint, min(ALL))
    with asking_in_turns(mount.mountpoint, ALL):
        wait_until(lambda: all(place == ALL for place in places(mount)), what="leave to run on any processor")
