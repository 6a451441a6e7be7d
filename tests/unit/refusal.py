"""Hostile input is either taken or refused; both are right, a crash or a refusal in many lines is not."""

from __future__ import annotations

from collections.abc import Callable


def taken_or_refused(action: Callable[[], object]) -> None:
    """Call `action`; fail unless it succeeds or raises ValueError with one line of text."""
    refusals: list[str] = []
    try:
        action()
    except ValueError as problem:
        refusals.append(str(problem))
    for text in refusals:
        assert text
        assert "\n" not in text
