"""What is remembered of the tables is bounded: there may be far more rows than memory."""

from __future__ import annotations

from itertools import islice
from typing import Any

BITS = 1 << 24
"""Bits for what was seen: once there are a million, one in eighty others is taken for one of them."""

LETTERS = 16_000_000
"""Letters of paths after which the first half of what is remembered goes, too: a path may have 4096."""

_BYTES = BITS // 8 - 1
_SHIFT = BITS.bit_length() - 1


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

    def add(self, key: object) -> bool:
        """Note a key; return whether it certainly was not noted before."""
        number, bits = hash(key), self._bits
        one, in_one = number >> 3 & _BYTES, 1 << (number & 7)
        number >>= _SHIFT
        other, in_other = number >> 3 & _BYTES, 1 << (number & 7)
        if bits[one] & in_one and bits[other] & in_other:
            return False
        bits[one] |= in_one
        bits[other] |= in_other
        return True

    def __contains__(self, key: object) -> bool:
        number, bits = hash(key), self._bits
        if not bits[number >> 3 & _BYTES] >> (number & 7) & 1:
            return False
        number >>= _SHIFT
        return bool(bits[number >> 3 & _BYTES] >> (number & 7) & 1)
