"""One run's result: the samples as they were taken, and what is read from them. The JSON is kept stable."""

from __future__ import annotations

import json
import math
import re
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FORMAT = 2


class ResultError(Exception):
    """A file is not a result that can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A single number that is no ratio of times, such as memory; `bound` is what it should not exceed.

    With `at_least` it should not be less.
    """

    title: str
    unit: str
    value: float
    bound: float | None = None
    at_least: bool = False

    def met(self) -> bool | None:
        """Whether the figure keeps its bound; None where it has none."""
        if self.bound is None:
            return None
        return self.value >= self.bound if self.at_least else self.value <= self.bound


@dataclass(frozen=True, slots=True)
class Curve:
    """How a cost grows: for each line (a subject, mostly) its points (size, cost), with rising sizes."""

    title: str
    x: str
    y: str
    lines: dict[str, list[tuple[float, float]]]

    def slope(self, line: str) -> float | None:
        """The power of the size that the cost grows with: 0 not at all, 1 in proportion.

        It is the slope of the line through the logarithms with the least squares; None for fewer than two
        sizes.
        """
        points = [(math.log(x), math.log(y)) for x, y in self.lines[line] if x > 0 and y > 0]
        if len({x for x, _ in points}) < 2:
            return None
        return statistics.linear_regression([x for x, _ in points], [y for _, y in points]).slope


@dataclass(slots=True)
class Result:
    """`samples[workload][subject]` holds seconds for one unit of work, one number a round, in order."""

    machine: dict[str, object]
    subjects: dict[str, str]  # name -> version
    titles: dict[str, str]  # workload -> title
    units: dict[str, str]  # workload -> unit
    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)  # subject or workload -> why
    figures: dict[str, Figure] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)

    def add(self, workload: str, subject: str, seconds: float) -> None:
        self.samples.setdefault(workload, {}).setdefault(subject, []).append(float(f"{seconds:.5g}"))

    def median(self, workload: str, subject: str) -> float | None:
        """Seconds for one unit; None where nothing was measured."""
        samples = self.samples.get(workload, {}).get(subject)
        return statistics.median(samples) if samples else None

    def ratio(self, workload: str, subject: str, reference: str) -> float | None:
        """How many times as long as on `reference`, both medians of this run."""
        time, base = self.median(workload, subject), self.median(workload, reference)
        return time / base if time is not None and base else None

    def spread(self, workload: str, subject: str) -> float | None:
        """Distance of the quartiles as a part of the median: how far a figure may be trusted."""
        samples = self.samples.get(workload, {}).get(subject, [])
        if len(samples) < 3:
            return None
        low, middle, high = statistics.quantiles(samples, n=4, method="inclusive")
        return (high - low) / middle if middle else None

    def error(self, workload: str, *subjects: str) -> float | None:
        """How far a ratio of these subjects' medians may be off, as a part of it: its standard error.

        That of a median is about 0.93 quartile distances by the root of the number (for a normal
        distribution; McGill, Tukey, Larsen: "Variations of Box Plots", 1978). None for fewer than 3 rounds.
        """
        errors = []
        for subject in subjects:
            spread = self.spread(workload, subject)
            if spread is None:
                return None
            errors.append(0.93 * spread / math.sqrt(len(self.samples[workload][subject])))
        return math.hypot(*errors)

    def libfuse(self) -> str:
        """The version of libfuse that our mounts ran on, which need not be the system's; empty if none."""
        ours = (text for name, text in self.subjects.items() if name.startswith("mycelial"))
        found = (re.search(r"\blibfuse (\S+?)(?:,|$)", text) for text in ours)
        return next((match[1] for match in found if match is not None), "")

    def rounds(self) -> int:
        counts = [len(taken) for subjects in self.samples.values() for taken in subjects.values()]
        return max(counts, default=0)

    def to_json(self) -> str:
        """Samples and facts, and the medians and ratios for readers who do not want to compute them."""
        summary = {
            workload: {
                subject: {
                    "seconds": self.median(workload, subject),
                    "spread": self.spread(workload, subject),
                    "native": self.ratio(workload, subject, "native"),
                    "bindfs": self.ratio(workload, subject, "bindfs"),
                }
                for subject in subjects
            }
            for workload, subjects in self.samples.items()
        }
        document = {
            "format": FORMAT,
            "machine": self.machine,
            "subjects": self.subjects,
            "titles": self.titles,
            "units": self.units,
            "left_out": self.left_out,
            "samples": self.samples,
            "figures": {name: asdict(figure) for name, figure in self.figures.items()},
            "curves": {
                name: {**asdict(curve), "slopes": {line: curve.slope(line) for line in curve.lines}}
                for name, curve in self.curves.items()
            },
            "summary": summary,
        }
        return (
            "{\n"
            + ",\n".join(f"{json.dumps(key)}: {json.dumps(document[key])}" for key in document)
            + "\n}\n"
        )


def read_result(path: Path) -> Result:
    """Reads what `to_json` wrote. Raises ResultError for anything else."""
    try:
        document: dict[str, Any] = json.loads(path.read_text())
    except OSError as error:
        raise ResultError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise ResultError(f"{path} is not JSON") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ResultError(f"{path} is not a result of format {FORMAT}")
    try:
        return Result(
            machine=document["machine"],
            subjects=document["subjects"],
            titles=document["titles"],
            units=document["units"],
            samples=document["samples"],
            left_out=document["left_out"],
            figures={name: Figure(**words) for name, words in document["figures"].items()},
            curves={name: _curve(words) for name, words in document["curves"].items()},
        )
    except KeyError as missing:
        raise ResultError(f"{path} lacks {missing}") from None


def _curve(words: dict[str, Any]) -> Curve:
    lines = {name: [(x, y) for x, y in points] for name, points in words["lines"].items()}
    return Curve(words["title"], words["x"], words["y"], lines)
