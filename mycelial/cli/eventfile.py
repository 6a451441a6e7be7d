"""Reading a log from a file, compressed or not, or from standard input, line by line.

A log may come from anywhere: what is wrong with it is told with its line, and a line without end
does not fill the memory.
"""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from io import BufferedReader
from typing import cast

from mycelial.cli.failure import Failure
from mycelial.record.display import printable
from mycelial.record.events import Event
from mycelial.record.jsonl import EventReader

_LONGEST_LINE = 4 * 2**20  # bytes; a command line of 2 MiB, escaped
_GZIP = b"\x1f\x8b"
_PROGRESS_EVERY = 1000  # lines


class EventFile:
    """A log to read once; use it as a context manager. ``-`` is standard input.

    Attributes
    ----------
    size : int, optional
        Bytes to read, compressed as they may be; None if this cannot be known.
    """

    def __init__(self, name: str) -> None:
        self._name = "standard input" if name == "-" else printable(name)
        raw = sys.stdin.buffer if name == "-" else open(name, "rb")  # noqa: SIM115 - closed in __exit__
        self._raw = cast(BufferedReader, raw)
        self.size = os.path.getsize(name) if os.path.isfile(name) else None

    def __enter__(self) -> EventFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    def events(self, progress: Callable[[int], None]) -> Iterator[Event]:
        """Yield the events, in order; `progress` is told every now and then how many bytes were read.

        Raises
        ------
        Failure
            that names file and line, if it cannot be read or a line is no event.
        """
        number = 0
        read = EventReader().read
        try:
            stream = self._unpacked()
            while line := stream.readline(_LONGEST_LINE):
                number += 1
                if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
                    raise ValueError("line is too long")
                if not line.isspace():
                    yield read(line)
                if self.size is not None and number % _PROGRESS_EVERY == 0:
                    progress(self._raw.tell())
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise Failure(f"{self._name}: damaged after line {number}: it does not unpack") from None
        except OSError as problem:
            raise Failure(f"{self._name}: {problem.strerror or problem}") from None
        except ValueError as problem:
            raise Failure(f"{self._name}:{number}: {problem}") from None

    def _unpacked(self) -> BufferedReader | gzip.GzipFile:
        if self._raw.peek(2)[:2] == _GZIP:
            return gzip.GzipFile(fileobj=self._raw)
        return self._raw
