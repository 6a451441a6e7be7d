"""Shows what a change did: two results side by side, as ratios, for no two runs meet the same machine."""

from __future__ import annotations

import math

from bench.results import Result
from bench.table import aligned, number

_NOISE_FLOOR = 0.05


def comparison(before: Result, after: Result) -> str:
    """One line for each workload and mounting subject that both results have."""
    rows = [["workload", "subject", "before / native", "after / native", "change", ""]]
    for workload in before.samples:
        for subject in before.samples[workload]:
            row = _row(before, after, workload, subject)
            if row is not None:
                rows.append(row)
    figures = _figures(before, after)
    if len(rows) == 1 and not figures:
        return "The two results have no workload and subject in common."
    lines = (aligned(rows) if len(rows) > 1 else []) + figures
    different = [
        f"Not the same machine: {key} was {before.machine.get(key)}, is {after.machine.get(key)}."
        for key in ("kernel", "cpu", "cores", "file_system", "user")
        if before.machine.get(key) != after.machine.get(key)
    ]
    libfuse = [result.libfuse() for result in (before, after)]
    if libfuse[0] != libfuse[1] and all(libfuse):
        different.append(f"Not the same libfuse: was {libfuse[0]}, is {libfuse[1]}.")
    lines += ["", "Changes within two standard errors of both results are marked as noise.", *different]
    return "\n".join(lines)


def _row(before: Result, after: Result, workload: str, subject: str) -> list[str] | None:
    old, new = (result.ratio(workload, subject, "native") for result in (before, after))
    if subject == "native" or not old or not new:
        return None
    change = new / old - 1
    errors = [result.error(workload, subject, "native") for result in (before, after)]
    return [
        before.titles[workload],
        subject,
        f"{old:.2f}",
        f"{new:.2f}",
        f"{change:+.0%}",
        _verdict(change, errors),
    ]


def _verdict(change: float, errors: list[float | None]) -> str:
    known = [error for error in errors if error is not None]
    if len(known) < len(errors):
        return "too few rounds"
    if abs(change) <= max(2.0 * math.hypot(*known), _NOISE_FLOOR):
        return "noise"
    return "slower" if change > 0 else "faster"


def _figures(before: Result, after: Result) -> list[str]:
    """The single figures and the far ends of the curves, side by side."""
    old, new = _single(before), _single(after)
    rows = [["measure", "before", "after", "change"]]
    for title in (title for title in old if title in new):
        (was, unit), (now, _) = old[title], new[title]
        change = f"{now / was - 1:+.0%}" if was else "-"
        rows.append([title, f"{number(was)} {unit}", f"{number(now)} {unit}", change])
    return ["", *aligned(rows)] if len(rows) > 1 else []


def _single(result: Result) -> dict[str, tuple[float, str]]:
    found = {figure.title: (figure.value, figure.unit) for figure in result.figures.values()}
    for curve in result.curves.values():
        for line, points in curve.lines.items():
            size, cost = points[-1]
            found[f"{curve.title}, {line}, at {size:,.0f} {curve.x}"] = (cost, curve.y)
    return found
