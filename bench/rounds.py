"""The order of the work and the clock: each round runs each workload on each subject, one after the other.

On a machine that is not ours alone, speed drifts by the minute. Neighbouring measurements drift together, so
their ratio stays; and another subject goes first in each round, so that none always meets the same cache.
"""

from __future__ import annotations

import contextlib
import gc
import os
import secrets
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from bench.fixtures import MIB, Sizes
from bench.processes import send
from bench.results import Result
from bench.running import Running
from bench.subjects import SubjectError
from bench.workloads.job import Job, Place, Unavailable, Workload

_HANG_SECONDS = 60.0
_LONGEST_REASON = 200  # letters


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: at most `rounds` rounds; none is begun that may not end within `seconds`."""

    sizes: Sizes
    rounds: int
    seconds: float


def measure(
    plan: Plan,
    workloads: tuple[Workload, ...],
    subjects: list[Running],
    result: Result,
    progress: Callable[[str], None],
) -> None:
    """Fills `result` with samples; a workload that this machine cannot run is noted there and left out."""
    begun = time.monotonic()
    run = secrets.token_hex(
        4
    )  # ext4 lays directories out by their names: no run shall meet an earlier one's places
    for round_number in range(plan.rounds):
        now = time.monotonic()
        if round_number and now + (now - begun) / round_number > begun + plan.seconds:
            return
        for workload in workloads:
            progress(f"round {round_number + 1} of at most {plan.rounds}: {workload.title}")
            turn = round_number % len(subjects)
            for subject in subjects[turn:] + subjects[:turn]:
                name = subject.subject.name
                scratch = f"scratch/{run}-{name}-{workload.name}-{round_number}"
                place = Place(subject.root, subject.source, name, scratch, plan.sizes)
                try:
                    with _alone(subject, subjects):
                        seconds = _measure_once(workload, place, subject)
                except Unavailable as reason:
                    result.left_out[workload.name] = str(reason)
                    break
                except SubjectError as error:
                    if subject.subject.ours:
                        raise
                    subject.check()
                    result.left_out[f"{workload.name} on {name}"] = subject.shortage() or _one_line(error)
                    continue
                result.add(workload.name, name, seconds)


@contextmanager
def _alone(subject: Running, subjects: list[Running]) -> Iterator[None]:
    """Keeps what the other subjects do in the background from the one that is measured."""
    with ExitStack() as stack:
        for other in subjects:
            if other is not subject:
                stack.enter_context(other.held())
        yield


def _measure_once(workload: Workload, place: Place, subject: Running) -> float:
    """Seconds for one unit of work, measured in a process of its own.

    So each run is a program to the subject, as in life, and not one that goes on from workload to workload.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _measure_and_tell(workload, place, subject, writer)
    os.close(writer)
    try:
        kind, _, text = _hear(reader, subject).partition(" ")
    finally:
        send(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reader)
        _give_back_space(place.root / place.scratch)
    if kind == "unavailable":
        raise Unavailable(text)
    if kind != "done":
        subject.check()
        raise SubjectError(f"{workload.name} failed on {place.owner}: {text or 'its process ended'}")
    return float(text)


def _measure_and_tell(workload: Workload, place: Place, subject: Running, writer: int) -> NoReturn:
    """What the child does: one line into the pipe, and nothing of what the parent has to clean up."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
        job = workload.prepare(place)
        subject.settle()
        answer = f"done {_timed(job) / job.count!r}"
    except Unavailable as reason:
        answer = f"unavailable {reason}"
    except BaseException as error:
        answer = f"failed {error}"
    os.write(writer, answer.encode(errors="replace"))
    os._exit(0)


def _hear(reader: int, subject: Running) -> str:
    """The child's line. If it takes a minute the daemon hangs and is ended: requests to it then fail."""
    answer = b""
    while True:
        if not select.select([reader], [], [], _HANG_SECONDS)[0]:
            subject.kill()
        part = os.read(reader, 4096)
        if not part:
            return answer.decode()
        answer += part


def _one_line(error: Exception) -> str:
    """The first line of what went wrong: a program may say the same of every file."""
    first = str(error).partition("\n")[0]
    return first if len(first) <= _LONGEST_REASON else f"{first[:_LONGEST_REASON]}…"


def _give_back_space(scratch: Path) -> None:
    """Deletes large files only; many small ones stay until the run ends (why: `bench.workspace.spread`).

    Through the subject, so that the kernel drops its copy of their pages, too: else the next subject would
    find less memory at hand.
    """
    for directory, _, names in os.walk(scratch):
        for name in names:
            path = Path(directory, name)
            with contextlib.suppress(OSError):
                if path.stat().st_size >= MIB:
                    path.unlink()


def _timed(job: Job) -> float:
    """Seconds; the job's own, if it tells them."""
    gc.collect()
    gc.disable()
    try:
        begun = time.perf_counter()
        told = job.run()
        return told if isinstance(told, float) else time.perf_counter() - begun
    finally:
        gc.enable()
