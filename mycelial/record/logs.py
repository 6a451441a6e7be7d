"""How log lines look on standard error: with the program's name for people, with a priority for the journal.

systemd's journal takes a number in angle brackets before a line as its priority (sd-daemon(3)), and knows by
itself which unit and process wrote it.
"""

from __future__ import annotations

import logging
import os

# syslog(3)'s numbers; what is beneath each of these levels has the next one.
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG = 7


class JournalFormatter(logging.Formatter):
    """One record in as many lines as it has, each with the priority in front."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of `record`."""
        priority = next((number for level, number in _PRIORITIES if record.levelno >= level), _DEBUG)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).split("\n"))


def stderr_formatter(name: str, stream: int = 2) -> logging.Formatter:
    """Return the formatter for what listens at standard error; `name` is the program's."""
    return (
        JournalFormatter("%(message)s") if _is_journal(stream) else logging.Formatter(f"{name}: %(message)s")
    )


def _is_journal(stream: int) -> bool:
    """Whether the stream is the very one that the journal gave (JOURNAL_STREAM in systemd.exec(5))."""
    try:
        status = os.fstat(stream)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
