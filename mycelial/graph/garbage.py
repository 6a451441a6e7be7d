"""Garbage in circles, which reference counting does not free, is looked for rarely where much is taken in.

What an event leaves behind goes by itself.  Looking through all that is remembered after every seven hundred
new objects, as Python does, takes a tenth of the time and finds nothing; after every hundred thousand, a
twentieth.
"""

from __future__ import annotations

import gc

NEW_OBJECTS = 1_000_000
"""New objects (net) after which the young ones are looked through."""


def collect_rarely() -> None:
    """Leave what is there by now out of all collections, and look at what comes seldom."""
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 20, 100)
