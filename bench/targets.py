"""What the mount is meant to cost, and whether it does: so that each run says what a change did to that.

A bound is the largest ratio of medians that is allowed. There are two columns of them: for a mount whose data
the kernel passes through (as root, libfuse 3.17 or later), and for any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.results import Result

_SURE = 2.0  # standard errors


@dataclass(frozen=True, slots=True)
class Target:
    """`workload` on `subject` takes at most so many times as long as on `reference`."""

    workload: str
    subject: str
    reference: str
    passed_through: float
    otherwise: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target and what was measured; `sure` is False if repeating might turn it."""

    target: Target
    title: str
    ratio: float
    bound: float
    sure: bool

    @property
    def met(self) -> bool:
        return self.ratio <= self.bound

    def words(self) -> str:
        """ "met", or by how much it was missed; a question mark stands for what lies within the noise."""
        answer = "met" if self.met else f"missed by {self.ratio / self.bound - 1:.0%}"
        return answer if self.sure else f"{answer}?"


def _same(workloads: str, reference: str, bound: float) -> list[Target]:
    return [Target(name, "mycelial", reference, bound, bound) for name in workloads.split()]


RECORDING = 1.05
"""The most that recording may add to anything."""

TARGETS: tuple[Target, ...] = (
    Target("sequential-read", "mycelial", "native", 1.10, 1.5),
    Target("sequential-write", "mycelial", "native", 1.10, 1.5),
    Target("random-read", "mycelial", "native", 1.20, 2.0),
    Target("small-write", "mycelial", "native", 1.20, 2.0),
    Target("mapped-read", "mycelial", "native", 1.20, 2.0),
    Target("mapped-write", "mycelial", "native", 1.20, 2.0),
    Target("stat-cached", "mycelial", "native", 1.10, 1.10),
    Target("stat-cached", "mycelial-in-place", "native", 1.10, 1.10),
    Target("git-status", "mycelial-in-place", "native", 1.10, 1.10),
    *_same("stat-uncached open-read-close", "bindfs", 1.0),
    *_same("list-and-stat", "bindfs", 0.7),
    *_same("create-write-close rename unlink mkdir", "bindfs", 1.2),
    *_same("git-status grep tar copy find make", "bindfs", 1.0),
)
CLIENTS = ("clients-2", "clients-8")


def verdicts(result: Result) -> list[Verdict]:
    """All targets for which something was measured."""
    passed = "kernel passthrough on" in result.subjects.get("mycelial", "")
    found = []
    for target in TARGETS:
        ratio = result.ratio(target.workload, target.subject, target.reference)
        if ratio is not None:
            error = result.error(target.workload, target.subject, target.reference)
            bound = target.passed_through if passed else target.otherwise
            title = f"{result.titles[target.workload]}, {target.subject} / {target.reference}"
            found.append(Verdict(target, title, ratio, bound, _is_sure(ratio, bound, error)))
    return [*found, *_clients(result), *_recording(result)]


def _clients(result: Result) -> Iterator[Verdict]:
    """Several clients get no less done than one."""
    alone = result.median("clients-1", "mycelial")
    for workload in CLIENTS:
        together = result.median(workload, "mycelial")
        if alone and together:
            errors = [result.error(name, "mycelial") for name in ("clients-1", workload)]
            error = None if None in errors else max(e for e in errors if e is not None)
            title = f"{result.titles[workload]}, mycelial / 1 client"
            target = Target(workload, "mycelial", "clients-1", 1.0, 1.0)
            yield Verdict(target, title, together / alone, 1.0, _is_sure(together / alone, 1.0, error))


def _recording(result: Result) -> Iterator[Verdict]:
    for workload in result.samples:
        ratio = result.ratio(workload, "mycelial", "mycelial-no-record")
        if ratio is not None:
            error = result.error(workload, "mycelial", "mycelial-no-record")
            title = f"{result.titles[workload]}, recording on / off"
            target = Target(workload, "mycelial", "mycelial-no-record", RECORDING, RECORDING)
            yield Verdict(target, title, ratio, RECORDING, _is_sure(ratio, RECORDING, error))


def _is_sure(ratio: float, bound: float, error: float | None) -> bool:
    return error is not None and abs(ratio / bound - 1.0) > _SURE * error
