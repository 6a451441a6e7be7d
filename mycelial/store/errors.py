"""One exception type, so that callers can tell "the database cannot be used" from a programming error."""

from __future__ import annotations


class StoreError(Exception):
    """The database cannot be opened, read or written; the text is one clear line for a person."""
