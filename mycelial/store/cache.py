"""What is remembered of the tables is bounded: there may be far more rows than memory."""

from __future__ import annotations

from itertools import islice
from typing import Any

BITS = 1 << 24
"""Bits for what was seen: once there are a million, one in eighty others is taken for one of them."""


def halve(remembered: dict[Any, Any]) -> None:
    """Drop the half that was put in first."""
    for key in list(islice(remembered, len(remembered) // 2)):
        del remembered[key]


class Seen:
    """Whether a key was never added, in little room: asking a table for what it cannot have takes longer.

    Of one that was not added it may be said, seldom, that it was; never the other way round (Bloom:
    "Space/Time Trade-offs in Hash Coding with Allowable Errors", 1970).
    """

    def __init__(self) -> None:
        self._bits = bytearray(BITS // 8)

    def add(self, key: object) -> None:
        """Note a key."""
        number = hash(key)
        for bit in (number % BITS, number // BITS % BITS):
            self._bits[bit >> 3] |= 1 << (bit & 7)

    def __contains__(self, key: object) -> bool:
        number, bits = hash(key), self._bits
        one, two = number % BITS, number // BITS % BITS
        return bool(bits[one >> 3] >> (one & 7) & 1 and bits[two >> 3] >> (two & 7) & 1)
