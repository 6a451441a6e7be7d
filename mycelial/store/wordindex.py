"""Words in names: which files have a word in theirs, without looking at every file.

A word is a run of letters or of digits in the last part of a path, in lower case; "camelCase" is two.
Directories have words like files, so what lies below is found through them.
"""

from __future__ import annotations

import re
from functools import lru_cache

from mycelial.store.connection import Database
from mycelial.store.many import insert_many
from mycelial.store.names import from_column

LONGEST = 40
MOST = 16
"""Characters of a word, and words of a name, that are kept."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+|\d+")


@lru_cache(maxsize=4096)
def words_of(name: str) -> frozenset[str]:
    """Return the words of a name, or of whatever somebody looks for."""
    found = dict.fromkeys(word.lower()[:LONGEST] for word in _WORD.findall(_HUMP.sub(" ", name)))
    return frozenset(list(found)[:MOST])


class WordIndex:
    """Keeps table `word` true inside the writer's transaction; changes reach it at :meth:`flush`."""

    def __init__(self, database: Database) -> None:
        self._connection = database.conn
        self._changes: dict[tuple[str, int], bool] = {}  # (word, file): whether it is in the name

    def fill(self) -> None:
        """Index all files, where that was never done: the database is from before there was an index."""
        execute = self._connection.execute
        if execute("SELECT 1 FROM word LIMIT 1").fetchone() is not None:
            return
        files = execute("SELECT id, name FROM file WHERE id > 0").fetchall()
        if not files:
            return
        alone = not self._connection.in_transaction
        if alone:
            execute("BEGIN IMMEDIATE")
        for number, name in files:
            self.add(number, from_column(name))
        self.flush()
        if alone:
            execute("COMMIT")

    def add(self, number: int, name: str) -> None:
        """Note that the file has this name."""
        for word in words_of(name):
            self._changes[word, number] = True

    def rename(self, number: int, name: str, to: str) -> None:
        """Note that the file has another name now."""
        before, after = words_of(name), words_of(to)
        if before != after:
            for word in before - after:
                self._changes[word, number] = False
            for word in after - before:
                self._changes[word, number] = True

    def flush(self) -> None:
        """Write what changed, in the order of the table: each page is taken up once."""
        if not self._changes:
            return
        gone = sorted(key for key, there in self._changes.items() if not there)
        self._connection.executemany("DELETE FROM word WHERE word = ? AND file = ?", gone)
        new = sorted(key for key, there in self._changes.items() if there)
        insert_many(self._connection, "INSERT OR IGNORE INTO word", new)
        self._changes.clear()
