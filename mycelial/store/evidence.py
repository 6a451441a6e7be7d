"""Writing what was derived: evidence is added up in the tables, working state is replaced by key.

Additions are gathered and written together at :meth:`EvidenceWriter.flush`, so that one transaction
holds an event and everything that follows from it.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from mycelial.record.encoding import encoder
from mycelial.store.cache import Seen, halve
from mycelial.store.connection import Database
from mycelial.store.many import insert_many
from mycelial.store.names import from_column, to_column
from mycelial.store.weighing import Touch

NEIGHBOURS = 64
"""Neighbours of a file that are kept when there are too many, for each user and kind."""

CROWDED = 96
"""Neighbours from which on there are too many."""

GATHERED = 20_000
"""Rows of pairs that are gathered at most."""

COUNTED = 50_000
"""Files of which it is remembered how many neighbours they have at most."""

_encode = encoder()


class EvidenceWriter:
    """Adds to the derived tables inside the writer's transaction."""

    def __init__(self, database: Database) -> None:
        self._connection = database.conn
        self._touches: dict[tuple[int, int, int], Touch | None] = {}
        self._episodes: dict[int, tuple[int, float, float, int] | None] = {}
        self._together: list[tuple[tuple[object, ...], list[tuple[object, ...]]]] = []
        self._gathered = 0  # rows of pairs
        self._next: list[tuple[int, int, int, float, int, float, str | bytes]] = []
        self._usage: list[tuple[object, ...]] = []
        self._sweeps: dict[int, tuple[object, ...]] = {}
        self._work: dict[tuple[str, str], str | None] = {}
        self._stored = set(self._connection.execute("SELECT kind, key FROM work"))  # what is to be deleted
        self._together_crowds = _Crowds(self._connection, "together")
        self._next_crowds = _Crowds(self._connection, "next")

    def touch(self, episode: int, file: int, burst: int, touch: Touch | None) -> None:
        """Set, or with None delete, a row of table `touch`; the object may change until the flush."""
        self._touches[episode, file, burst] = touch

    def episode(self, number: int, uid: int, started: float, ended: float, state: str) -> None:
        """Set a row of table `episode`; `state` is open, closed or empty (nothing left: deleted)."""
        row = (uid, started, ended, int(state == "open"))
        self._episodes[number] = None if state == "empty" else row

    def add_together(self, uid: int, pairs: Mapping[tuple[int, int], float], t: float, episode: int) -> None:
        """Add one episode's evidence for pairs of files, each in both directions."""
        rows: list[tuple[object, ...]]
        rows = [(a, b, weight) for (a, b), weight in pairs.items()]
        rows += [(b, a, weight) for (a, b), weight in pairs.items()]
        rows.sort()
        self._together.append(((uid, t, episode), rows))
        self._gathered += len(rows)
        self._together_crowds.grow(uid, Counter(chain.from_iterable(pairs)).items())

    def add_next(self, uid: int, weight: float, steps: Iterable[tuple[int, int, float, str]]) -> None:
        """Add observations (a, b, t, program), each of the same weight, of `b` taken up after `a`."""
        rows = [(a, uid, b, weight, 1, t, to_column(program)) for a, b, t, program in steps]
        self._next += rows
        self._next_crowds.grow(uid, Counter(row[0] for row in rows).items())

    def add_usage(
        self, file: int, uid: int, weight: float, t: float, habitual: float = 0.0, *, kept: bool = False
    ) -> None:
        """Add one episode to a file's sum.

        `habitual` says how much (0 to 1) mere habit took it up, `kept` whether version control did.
        """
        self._usage.append((file, uid, weight, 1, t, habitual, int(kept)))

    def sweep(self, burst: int, uid: int, program: str, started: float, ended: float, files: int) -> None:
        """Set a row of table `sweep`."""
        self._sweeps[burst] = (burst, uid, to_column(program), started, ended, files)

    def work(self, kind: str, key: str, value: object | None) -> None:
        """Set, or with None delete, a piece of working state (anything that JSON can hold)."""
        self._work[kind, key] = None if value is None else _encode(value)

    def read_work(self, kind: str) -> Iterator[tuple[str, object]]:
        """Yield (key, value) of all working state of one kind."""
        rows = self._connection.execute("SELECT key, value FROM work WHERE kind = ?", (kind,))
        for key, value in rows.fetchall():
            yield key, json.loads(value)

    @property
    def remembered(self) -> int:
        """Of how many files it is remembered how many neighbours they have, for both kinds."""
        return len(self._together_crowds) + len(self._next_crowds)

    def flush(self) -> None:
        """Write what was gathered."""
        self._flush_episodes()
        self._flush_pairs()
        connection = self._connection
        insert_many(
            connection,
            "INSERT INTO usage (file, uid, weight, episodes, last, habitual, kept)",
            self._usage,
            "ON CONFLICT DO UPDATE SET weight = weight + excluded.weight, episodes = episodes + 1,"
            " last = max(last, excluded.last), habitual = habitual + excluded.habitual,"
            " kept = kept + excluded.kept",
        )
        insert_many(connection, "INSERT OR REPLACE INTO sweep", list(self._sweeps.values()))
        gone = [key for key, value in self._work.items() if value is None and key in self._stored]
        connection.executemany("DELETE FROM work WHERE kind = ? AND key = ?", gone)
        self._stored.difference_update(gone)
        kept = [(*key, value) for key, value in self._work.items() if value is not None]
        insert_many(connection, "INSERT OR REPLACE INTO work", kept)
        self._stored.update(key for key, value in self._work.items() if value is not None)
        for gathered in (self._usage, self._sweeps, self._work):
            gathered.clear()

    def crowd_out(self, uid: int, files: list[int]) -> None:
        """Leave those of these files that have too many neighbours, by `uid`'s work, the best.

        What a file loses, its former neighbour may keep: one that has few needs them.
        """
        if self._gathered + len(self._next) > GATHERED:
            self._flush_pairs()
        for crowds in (self._together_crowds, self._next_crowds):
            doubtful = crowds.doubtful(uid, files)
            if doubtful:
                self._flush_pairs()
                crowds.thin_out(uid, doubtful)

    def _flush_pairs(self) -> None:
        """Write what was gathered of pairs, one episode after the other: the order makes the rounding."""
        for common, rows in self._together:
            insert_many(
                self._connection,
                "INSERT INTO together (uid, last, episode, a, b, weight, episodes)",
                rows,
                "ON CONFLICT DO UPDATE SET weight = weight + excluded.weight, episodes = episodes + 1,"
                " last = max(last, excluded.last), episode = excluded.episode",
                common=common,
                marks="(?1, ?2, ?3, ?, ?, ?, 1)",
            )
        insert_many(
            self._connection,
            "INSERT INTO next",
            self._next,
            "ON CONFLICT DO UPDATE SET weight = weight + excluded.weight, count = count + 1,"
            " last = max(last, excluded.last), program = excluded.program",
        )
        self._together.clear()
        self._next.clear()
        self._gathered = 0

    def _flush_episodes(self) -> None:
        many = self._connection.executemany
        many("DELETE FROM episode WHERE id = ?", [(n,) for n, row in self._episodes.items() if row is None])
        insert_many(
            self._connection,
            "INSERT OR REPLACE INTO episode",
            [(number, *row) for number, row in self._episodes.items() if row is not None],
        )
        many(
            "DELETE FROM touch WHERE episode = ? AND file = ? AND burst = ?",
            [key for key, touch in self._touches.items() if touch is None],
        )
        insert_many(
            self._connection,
            "INSERT OR REPLACE INTO touch",
            [
                (*key, to_column(t.program), t.first, t.last, t.reads, t.writes, t.versions, t.tree, t.made)
                for key, t in self._touches.items()
                if t is not None
            ],
        )
        self._episodes.clear()
        self._touches.clear()

    def read_open_episodes(self) -> list[tuple[int, int, float, float]]:
        """Return (number, uid, started, ended) of the episodes that are still going on."""
        return self._connection.execute(
            "SELECT id, uid, started, ended FROM episode WHERE open ORDER BY id"
        ).fetchall()

    def read_open_touches(self) -> dict[int, dict[tuple[int, int], Touch]]:
        """Return the touches of the episodes that are still going on, by episode and (file, burst)."""
        return open_touches(self._connection, "")


class _Crowds:
    """How many neighbours a file has at most, of one kind; where that is not known they are counted."""

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        self._connection = connection
        self._table = table
        self._most: dict[tuple[int, int], int] = {}
        is_empty = connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None
        self._ever = Seen() if is_empty else None  # those that had any, if all are known

    def __len__(self) -> int:
        return len(self._most)

    def grow(self, uid: int, more: Iterable[tuple[int, int]]) -> None:
        """Note how many more each of some files has now."""
        most, ever = self._most, self._ever
        for file, count in more:
            key = file, uid
            if key in most:
                most[key] += count
            elif ever is not None and ever.add(key):
                most[key] = count
        if len(most) > COUNTED:
            halve(most)

    def doubtful(self, uid: int, files: list[int]) -> list[int]:
        """Return those that may have too many."""
        most, ever = self._most, self._ever
        unknown = CROWDED + 1
        return [
            file
            for file in files
            if most.get((file, uid), unknown) > CROWDED and (ever is None or (file, uid) in ever)
        ]

    def thin_out(self, uid: int, files: list[int]) -> None:
        """Count those of these files, and drop the weakest where there are too many."""
        table, most = self._table, self._most
        counts = self._connection.execute(
            f"SELECT a, count(*) FROM {table} WHERE a IN (SELECT value FROM json_each(?)) AND uid = ?"
            " GROUP BY a",
            (_encode(files), uid),
        ).fetchall()
        for file in files:
            most[file, uid] = 0
        for file, count in counts:
            most[file, uid] = count if count <= CROWDED else self._leave_best(file, uid)
        if len(most) > COUNTED:
            halve(most)

    def _leave_best(self, file: int, uid: int) -> int:
        """Drop neighbours of which there are too many; return how many are left."""
        table = self._table
        self._connection.execute(
            f"DELETE FROM {table} WHERE a = ?1 AND uid = ?2 AND b IN (SELECT b FROM {table}"
            " WHERE a = ?1 AND uid = ?2 ORDER BY weight DESC, b LIMIT -1 OFFSET ?3)",
            (file, uid, NEIGHBOURS),
        )
        return NEIGHBOURS


def open_touches(connection: sqlite3.Connection, whose: str) -> dict[int, dict[tuple[int, int], Touch]]:
    """Return the touches of open episodes; `whose` is a further condition, beginning with AND."""
    found: dict[int, dict[tuple[int, int], Touch]] = {}
    for episode, file, burst, program, first, last, reads, writes, versions, tree, made in connection.execute(
        "SELECT touch.* FROM episode JOIN touch ON touch.episode = episode.id"
        f" WHERE open{whose} ORDER BY touch.episode, file, burst"
    ):
        touch = Touch(from_column(program), first, last, reads, writes, bool(versions), tree, made)
        found.setdefault(episode, {})[file, burst] = touch
    return found
