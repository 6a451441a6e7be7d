"""What an engine was told of processes, kept where the next one finds it.

A process is announced once; the records after that name its number only (`wire`). An engine that is killed
takes what it was told with it, while events that name those numbers still wait for the next one. So every
announcement also goes to a file without a name, which the mount holds open and hands to each engine that it
starts.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable

LARGEST = 8 << 20
"""Bytes that may be kept; above that, the announcements of the processes used last stay, in half of that."""


class Announced:
    """The file, of which there is one writer at a time: the engine.

    It may be killed in the middle of a record, so what cannot be read at the end is nothing.

    Parameters
    ----------
    fd : int
        The open file; not closed here.
    largest : int
        What `LARGEST` says, for a test.
    """

    def __init__(self, fd: int, largest: int = LARGEST) -> None:
        self._fd = fd
        self._largest = largest
        self._size = 0

    def read(self) -> bytes:
        """Return all that is kept, and perhaps something after it that is no record."""
        size = os.fstat(self._fd).st_size
        content = bytearray()
        while len(content) < size and (part := os.pread(self._fd, size - len(content), len(content))):
            content += part
        return bytes(content)

    def go_on_after(self, size: int) -> None:
        """Keep what comes after the first `size` bytes, which are records."""
        os.ftruncate(self._fd, size)
        self._size = size

    def keep(self, record: bytes | memoryview, used: Callable[[], Iterable[bytes]]) -> None:
        """Keep an announcement.

        Parameters
        ----------
        record : bytes-like
            The whole record.
        used : callable
            Gives, if there is no room for it, the records of the known processes, the one used last first.
        """
        with contextlib.suppress(OSError):  # no memory left: then a next engine knows less
            if self._size + len(record) > self._largest:
                self._write_afresh(used())
            self._size += os.pwrite(self._fd, record, self._size)

    def _write_afresh(self, used: Iterable[bytes]) -> None:
        content = bytearray()  # each of many: adding to bytes would copy all of them each time
        for record in used:
            if len(content) + len(record) > self._largest // 2:
                break
            content += record
        os.pwrite(self._fd, content, 0)  # before what stood there is cut off: one moment less without either
        self.go_on_after(len(content))
