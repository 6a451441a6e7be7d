"""Shows what a change did: two results side by side, as ratios, for no two runs meet the same machine."""

from __future__ import annotations

from bench.results import Result
from bench.table import aligned

_NOISE_FLOOR = 0.05


def comparison(before: Result, after: Result) -> str:
    """One line for each workload and mounting subject that both results have."""
    rows = [["workload", "subject", "before / native", "after / native", "change", ""]]
    for workload in before.samples:
        for subject in before.samples[workload]:
            row = _row(before, after, workload, subject)
            if row is not None:
                rows.append(row)
    if len(rows) == 1:
        return "The two results have no workload and subject in common."
    lines = aligned(rows)
    different = [
        f"Not the same machine: {key} was {before.machine.get(key)}, is {after.machine.get(key)}."
        for key in ("kernel", "cpu", "cores", "file_system", "libfuse", "user")
        if before.machine.get(key) != after.machine.get(key)
    ]
    lines += ["", "Changes within the two results' own spread are marked as noise.", *different]
    return "\n".join(lines)


def _row(before: Result, after: Result, workload: str, subject: str) -> list[str] | None:
    old, new = (result.ratio(workload, subject, "native") for result in (before, after))
    if subject == "native" or not old or not new:
        return None
    change = new / old - 1
    spreads = [r.spread(workload, name) for r in (before, after) for name in (subject, "native")]
    verdict = _verdict(change, spreads)
    return [before.titles[workload], subject, f"{old:.2f}", f"{new:.2f}", f"{change:+.0%}", verdict]


def _verdict(change: float, spreads: list[float | None]) -> str:
    known = [spread for spread in spreads if spread is not None]
    if len(known) < len(spreads):
        return "too few rounds"
    if abs(change) <= max(*known, _NOISE_FLOOR):
        return "noise"
    return "slower" if change > 0 else "faster"
