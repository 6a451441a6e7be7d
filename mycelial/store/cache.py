"""What is remembered of the tables is bounded: there may be far more rows than memory."""

from __future__ import annotations

from itertools import islice
from typing import Any


def halve(remembered: dict[Any, Any]) -> None:
    """Drop the half that was put in first."""
    for key in list(islice(remembered, len(remembered) // 2)):
        del remembered[key]
