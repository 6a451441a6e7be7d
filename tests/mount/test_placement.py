"""The reader runs where the program runs that asks, and wherever the kernel likes while several do."""

from __future__ import annotations

import os
import re
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path

from tests.mount.actor import run_apart
from tests.mount.mounted import Mounted, wait_until

ALL = os.sched_getaffinity(0)
NUMBERS = count()
NICER = 5
CAP_SYS_NICE = 1 << 23


def places(daemon: int) -> list[set[int]]:
    """Those processors, of each of its threads, on which it may run."""
    found = []
    for thread in os.listdir(f"/proc/{daemon}/task"):
        with suppress(ProcessLookupError):  # it ended just now
            found.append(os.sched_getaffinity(int(thread)))
    return found


def is_alone_on(processor: int, daemon: int) -> bool:
    """Whether one of its threads is bound to that processor, and no other thread to any."""
    told = places(daemon)
    return {processor} in told and told.count(ALL) >= len(told) - 1


@contextmanager
def asking_on(directory: Path, *processors: int) -> Iterator[None]:
    """A thread on each asks for names that are not there, of which the kernel knows nothing yet."""
    stop = threading.Event()

    def ask(processor: int) -> None:
        os.sched_setaffinity(0, {processor})  # of this thread
        while not stop.is_set():
            assert not (directory / f"absent-{next(NUMBERS)}").exists()

    threads = [threading.Thread(target=ask, args=(processor,)) for processor in processors]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_the_reader_goes_to_the_one_who_asks(mount: Mounted) -> None:
    daemon = int(mount.status()["pid"])
    for processor in sorted(ALL) * 2:
        with asking_on(mount.mountpoint, processor):
            wait_until(partial(is_alone_on, processor, daemon), what=f"the reader on processor {processor}")


def test_the_reader_runs_anywhere_while_several_ask(mount: Mounted) -> None:
    daemon = int(mount.status()["pid"])
    first = min(ALL)
    with asking_on(mount.mountpoint, first):
        wait_until(
            lambda: {first} in places(daemon), what="the reader on the one processor that is asked from"
        )
    with asking_on(mount.mountpoint, *ALL, *ALL):
        wait_until(
            lambda: all(place == ALL for place in places(daemon)), what="leave to run on any processor"
        )


def become_another(directory: Path) -> None:
    pid = os.fork()
    if pid == 0:
        os.open(directory / "file", os.O_RDWR | os.O_CLOEXEC)
        for number in range(50):
            (directory / str(number)).exists()
        time.sleep(0.01)
        os.execv("/bin/true", ["true"])
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_program_that_asks_a_lot_becomes_another_one(mount: Mounted) -> None:
    """Closing its files it holds what whoever looks at it waits for: it is answered without a look."""
    (mount.source / "file").write_text("text")
    run_apart(become_another, mount.mountpoint)


def test_who_answers_goes_before_other_programs_where_that_is_allowed(mount: Mounted) -> None:
    """Those are the reader and who stands in for it; none of the others."""
    daemon = int(mount.status()["pid"])
    text = Path(f"/proc/{daemon}/status").read_text()
    capabilities = re.search(r"CapEff:\s+(\w+)", text)
    assert capabilities is not None
    usual = os.getpriority(os.PRIO_PROCESS, daemon)
    lowest = 20 - resource.prlimit(daemon, resource.RLIMIT_NICE)[0]
    allowed = int(capabilities[1], 16) & CAP_SYS_NICE or lowest <= usual - NICER
    answering = [max(-20, usual - NICER)] * 2 if allowed else []

    def others_are_as_usual() -> bool:
        told = []
        for thread in os.listdir(f"/proc/{daemon}/task"):
            with suppress(ProcessLookupError):  # it ended just now
                told.append(os.getpriority(os.PRIO_PROCESS, int(thread)))
        return sorted(told) == answering + [usual] * (len(told) - len(answering))

    wait_until(others_are_as_usual, what="a larger share for two threads")
