"""What no change may fall below.

The bounds are somewhat below what is reached, so that only a real loss is reported; docs/method.md says what
is reached.
"""

from __future__ import annotations

from collections.abc import Mapping

LEAST = {
    "MAP@10": 0.45,
    "MRR": 0.58,
    "hit@3": 0.66,
    "MAP@10 above the best baseline": 0.1,
    "hit@3 at home": 0.97,
    "MAP@10 at home": 0.78,
    "adjusted Rand index": 0.9,
    "adjusted Rand index in one window": 0.9,
    "adjusted Rand index at home": 0.8,
    "provenance": 1.0,
    "precision of scripts": 0.9,
    "recall of scripts": 0.93,
}
MOST = {"MAP@10 that noise costs": 0.02, "MAP@10 that noise costs at home": 0.02}


def shortfalls(figures: Mapping[str, float]) -> list[str]:
    """Return a line for each figure that is out of its bounds; those that were not measured are in order."""
    low = [
        f"{name}: {figures[name]:.3f}, at least {bound:g} expected"
        for name, bound in LEAST.items()
        if name in figures and figures[name] < bound
    ]
    high = [
        f"{name}: {figures[name]:.3f}, at most {bound:g} expected"
        for name, bound in MOST.items()
        if name in figures and figures[name] > bound
    ]
    return low + high
