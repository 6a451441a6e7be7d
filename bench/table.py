"""A result as people read it: one line a workload, times for scale, ratios for judgement."""

from __future__ import annotations

from bench.results import Result

_NOISY = 0.25


def table(result: Result) -> str:
    """The whole report: machine, one row a workload, and what was left out."""
    subjects = [name for name in result.subjects if name not in result.left_out]
    others = [name for name in subjects if name != "native"]
    against_bindfs = [name for name in others if name != "bindfs" and "bindfs" in subjects]
    header = ["workload", "native"]
    header += [f"{_short(name)} / native" for name in others]
    header += [f"{_short(name)} / bindfs" for name in against_bindfs]
    rows = []
    for workload in result.samples:
        row = [result.titles[workload], _time(result, workload)]
        row += [_ratio(result, workload, name, "native") for name in others]
        row += [_ratio(result, workload, name, "bindfs") for name in against_bindfs]
        rows.append(row)
    lines = [_machine_line(result), "", *aligned([header, *rows]), ""]
    lines.append(
        f"Times are medians of {result.rounds()} interleaved rounds; the other columns are ratios of medians,"
        " lower is better."
    )
    lines.append(f"~ marks a figure whose quartiles lie more than {_NOISY:.0%} of the median apart.")
    lines += [f"{name}: {version}" for name, version in result.subjects.items() if name != "native"]
    lines += [f"Left out: {name}: {reason}" for name, reason in result.left_out.items()]
    return "\n".join(lines)


def _machine_line(result: Result) -> str:
    machine = result.machine
    return (
        f"Linux {machine['kernel']}, {machine['cores']} x {machine['cpu']}, {machine['file_system']},"
        f" libfuse {machine['libfuse']}, as {machine['user']}, load {machine['load']}"
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
