"""One run's result: the samples as they were taken, and what is read from them. The JSON is kept stable."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORMAT = 1


class ResultError(Exception):
    """A file is not a result that can be read; the text says why."""


@dataclass(slots=True)
class Result:
    """`samples[workload][subject]` holds seconds for one unit of work, one number a round, in order."""

    machine: dict[str, object]
    subjects: dict[str, str]  # name -> version
    titles: dict[str, str]  # workload -> title
    units: dict[str, str]  # workload -> unit
    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)  # subject or workload -> why

    def add(self, workload: str, subject: str, seconds: float) -> None:
        self.samples.setdefault(workload, {}).setdefault(subject, []).append(seconds)

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
            "summary": summary,
        }
        return json.dumps(document, indent=1) + "\n"


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
        )
    except KeyError as missing:
        raise ResultError(f"{path} lacks {missing}") from None
