"""Whether the journal that a killed writer left belongs to the database beside it.

SQLite takes any write-ahead log of the right name for the database's own
(https://www.sqlite.org/howtocorrupt.html, 4): who copies a backup over a database while there is none that
writes gets pages of the one in the other.

Each commit has a mark in the first page, one more than that of the commit before (`inplace`). So a database
has the mark from which its journal starts, or one of those in the journal, if some of it was moved into the
file already. Which mark was there before a writer's first commit is not told by the journal; that first one
is known by its number.
"""

from __future__ import annotations

import contextlib
import os
import random
import struct
from collections.abc import Iterator
from pathlib import Path

_FIRST_OF_RUN = 1 << 12  # divides the number before a writer's first mark, and few others
_LOWEST = 1 << 30  # of marks that are given out so
_RUNS = 1 << 17  # leaves room for as many commits as there are marks below: at three a second, five years

_HEADER = 100  # bytes of a database's header
_LOG = struct.Struct(">4xIIIII8x")  # a log's header: version, page size, number, two salts
_FRAME = struct.Struct(">IIII8x")  # a page's: its number, pages after a commit, two salts
_PAGE_SIZES = {1 << bits for bits in range(9, 17)}
_MAGIC = {b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"}


def before_first_mark() -> int:
    """Return a number for a writer that begins: its first commit has the next one."""
    return _LOWEST + random.randrange(_RUNS) * _FIRST_OF_RUN


def has_foreign_journal(path: Path) -> bool:
    """Whether the write-ahead log beside the database at `path` is for sure that of another one."""
    try:
        with _opened(path) as file, _opened(Path(f"{path}-wal")) as log:
            header = os.pread(file, _HEADER, 0)
            marks = list(_marks(log))
    except OSError:
        return False
    if not marks or len(header) < _HEADER:
        return False
    if header[18:20] != b"\2\2":  # it has none, as a copy that `mycelial backup` made
        return True
    if min(marks) <= _LOWEST or any(mark % _FIRST_OF_RUN == 1 for mark in marks):
        return False
    return not min(marks) - 1 <= mark_of(header) <= max(marks)


def drop_journal(path: Path) -> None:
    """Take away the write-ahead log beside the database at `path`, with its index.

    Readers that had it open before would hold the index as it was, and SQLite takes that for true.  They keep
    the old files, which are no more to be found, and empty, so that none of it gets into the database.
    """
    os.truncate(f"{path}-wal", 0)
    for suffix in ("-shm", "-wal"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{path}{suffix}")


def mark_of(header: bytes) -> int:
    """Return the mark in a first page: its "application id", as the number of this field is called."""
    return int.from_bytes(header[68:72])


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # whatever stands there
    try:
        yield file
    finally:
        os.close(file)


def _marks(log: int) -> Iterator[int]:
    """Yield the marks of the first pages in a write-ahead log (https://www.sqlite.org/fileformat.html#walformat)."""
    found = os.pread(log, _LOG.size, 0)
    if len(found) < _LOG.size or found[:4] not in _MAGIC:
        return
    _, page_size, _, *salts = _LOG.unpack(found)
    if page_size not in _PAGE_SIZES:
        return
    at = _LOG.size
    while len(frame := os.pread(log, _FRAME.size + _HEADER, at)) == _FRAME.size + _HEADER:
        number, _, *own = _FRAME.unpack_from(frame)
        if own != salts:
            return  # what is left of an earlier one
        if number == 1:
            yield mark_of(frame[_FRAME.size :])
        at += _FRAME.size + page_size
