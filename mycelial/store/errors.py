"""One exception type, so that callers can tell "the database cannot be used" from a programming error."""

from __future__ import annotations

from sqlite3 import Error as DatabaseError

__all__ = [
    "BusyError",
    "DatabaseError",
    "FullError",
    "OlderError",
    "StoreError",
]  # DatabaseError: what SQLite raises in the middle of the work


class StoreError(Exception):
    """The database cannot be opened, read or written; the text is one clear line for a person.

    Attributes
    ----------
    mend : str
        What that person can do; empty where nothing need be done.
    """

    def __init__(self, text: str, mend: str = "") -> None:
        super().__init__(text)
        self.mend = mend


class BusyError(StoreError):
    """Another process is the database's writer."""


class FullError(StoreError):
    """There is no room left for the database."""


class OlderError(StoreError):
    """The database is of a format that the next writer brings up to date."""
