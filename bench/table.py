"""A result as people read it: one line a workload, times for scale, ratios for judgement."""

from __future__ import annotations

from collections.abc import Sequence

from bench.results import Result
from bench.targets import verdicts

_NOISY = 0.25
_ROUNDS_TO_JUDGE = 3


def table(result: Result) -> str:
    """The whole report: machine, one row a workload, targets, single figures, curves, what was left out."""
    parts = [_machine_line(result), _ratios(result), _targets(result), _figures(result), _curves(result)]
    notes = [f"{name}: {version}" for name, version in result.subjects.items() if name != "native"]
    notes += [f"Left out: {name}: {reason}" for name, reason in result.left_out.items()]
    return "\n\n".join(part for part in (*parts, "\n".join(notes)) if part)


_BRIEF = frozenset(
    {
        "stat-uncached",
        "stat-cached",
        "open-read-close",
        "list-and-stat",
        "create-write-close",
        "rename",
        "unlink",
        "sequential-read",
        "sequential-write",
        "random-read",
        "small-write",
        "mapped-read",
        "git-status",
        "grep",
        "copy",
        "make",
    }
)


_OURS = ("mycelial", "mycelial-writeback")


def short_table(results: Sequence[Result]) -> str:
    """The workloads that say most, for several results: times and bindfs of the first, our mount of each."""
    first = results[0]
    ours = [(result, name) for result in results for name in _OURS if name in result.subjects]
    ours = [(r, name) for r, name in ours if name == "mycelial" or not _passes_through(r)]
    rows = [["", "disk", "bindfs", *(_manner(result, name) for result, name in ours)]]
    for workload in (name for name in first.samples if name in _BRIEF):
        row = [first.titles[workload], _time(first, workload), _ratio(first, workload, "bindfs", "native")]
        row += [_ratio(result, workload, name, "native") for result, name in ours]
        rows.append(row)
    return "\n".join([*aligned(rows), "", *map(_machine_line, results)])


def _passes_through(result: Result) -> bool:
    return "kernel passthrough on" in result.subjects.get("mycelial", "")


def _manner(result: Result, name: str) -> str:
    if name == "mycelial-writeback":
        return "with `--writeback`"
    passed = ", kernel passthrough" if _passes_through(result) else ""
    return f"Mycelial as {result.machine['user']}{passed}"


def _ratios(result: Result) -> str:
    subjects = [name for name in result.subjects if name not in result.left_out]
    others = [name for name in subjects if name != "native"]
    against_bindfs = [name for name in ("mycelial",) if {name, "bindfs"} <= set(subjects)]
    header = ["workload", "native"]
    header += [f"{_short(name)} / native" for name in others]
    header += [f"{_short(name)} / bindfs" for name in against_bindfs]
    rows = []
    for workload in result.samples:
        row = [result.titles[workload], _time(result, workload)]
        row += [_ratio(result, workload, name, "native") for name in others]
        row += [_ratio(result, workload, name, "bindfs") for name in against_bindfs]
        rows.append(row)
    if not rows:
        return ""
    lines = aligned([header, *rows])
    lines += ["", f"Times are medians of {result.rounds()} interleaved rounds;"]
    lines[-1] += " the other columns are ratios of medians, lower is better."
    lines.append(f"~ marks a figure whose quartiles lie more than {_NOISY:.0%} of the median apart.")
    return "\n".join(lines)


def _targets(result: Result) -> str:
    """What was missed or is not sure, and how many there are; nothing after a single round."""
    if result.rounds() < _ROUNDS_TO_JUDGE:
        return ""
    found = verdicts(result)
    if not found:
        return ""
    open_ones = [verdict for verdict in found if not (verdict.met and verdict.sure)]
    met = sum(verdict.met for verdict in found)
    lines = [f"Of {len(found)} targets {met} are met. Missed, or (?) within the noise:", ""]
    rows = [["target", "at most", "is", "verdict"]]
    rows += [[v.title, f"{v.bound:.2f}", f"{v.ratio:.2f}", v.words()] for v in open_ones]
    return "\n".join([*lines, *aligned(rows)] if open_ones else [f"All {len(found)} targets are met."])


def _figures(result: Result) -> str:
    rows = [["measure", "is", "target", "verdict"]]
    for figure in result.figures.values():
        bound = "" if figure.bound is None else f"{'≥' if figure.at_least else '≤'} {number(figure.bound)}"
        verdict = {True: "met", False: "missed", None: ""}[figure.met()]
        rows.append([figure.title, f"{number(figure.value)} {figure.unit}", bound, verdict])
    return "\n".join(aligned(rows)) if len(rows) > 1 else ""


def _curves(result: Result) -> str:
    rows = [["how it grows", "line", "from", "to", "slope"]]
    for curve in result.curves.values():
        for line, points in curve.lines.items():
            slope = curve.slope(line)
            ends = [f"{number(y)} {curve.y} at {x:,.0f} {curve.x}" for x, y in (points[0], points[-1])]
            rows.append([curve.title, line, *ends, "-" if slope is None else f"{slope:+.2f}"])
    if len(rows) == 1:
        return ""
    note = "A slope of 0 means: costs the same however many there are; 1: grows in proportion."
    return "\n".join([*aligned(rows), "", note])


def _machine_line(result: Result) -> str:
    machine = result.machine
    libfuse = f" libfuse {result.libfuse()}," if result.libfuse() else ""
    return (
        f"Linux {machine['kernel']}, {machine['cores']} x {machine['cpu']}, {machine['file_system']},"
        f"{libfuse} as {machine['user']}, load {machine['load']}"
    )


def _short(name: str) -> str:
    return name.removeprefix("mycelial-")


def _time(result: Result, workload: str) -> str:
    seconds = result.median(workload, "native")
    if seconds is None:
        return "-"
    return f"{duration(seconds)}/{result.units[workload]}"


def _ratio(result: Result, workload: str, subject: str, reference: str) -> str:
    ratio = result.ratio(workload, subject, reference)
    if ratio is None:
        return "-"
    spreads = [result.spread(workload, name) or 0.0 for name in (subject, reference)]
    return f"{'~' if max(spreads) > _NOISY else ''}{ratio:.2f}"


def duration(seconds: float) -> str:
    """Three significant digits in the unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def number(value: float) -> str:
    """Three significant digits, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def aligned(rows: list[list[str]]) -> list[str]:
    """Rows as a Markdown table: the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("| " + " | ".join(cells) + " |")
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines.insert(1, "| " + " | ".join(rule) + " |")
    return lines
