"""What a check of the doctor says: one type for machines, mounts and databases alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"  # something is slower, or off
    FAILED = "failed"  # nothing can be mounted, or something is broken


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `mend` is empty where nothing need be done."""

    check: str
    state: State
    text: str
    mend: str = ""
