"""One exception for "it could not be done": its text is for the user, and nothing more is shown."""

from __future__ import annotations


class Failure(Exception):
    """Ends the command with exit code 1; the text is one line that says what to do."""
