"""Writing what was derived: evidence is added up in the tables, working state is replaced by key.

Additions are gathered and written together at :meth:`EvidenceWriter.flush`, so that one transaction
holds an event and everything that follows from it.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import NamedTuple

import sqlite_utils

from mycelial.record.steps import Step, steps_from_json, steps_to_json
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

RECIPES = 4000
"""Recipes that are remembered."""

SOURCES = 50_000
"""Sources that are remembered, of all products together; each product without any counts, too."""

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Source(NamedTuple):
    """One direct source of a product (a row of table `source`)."""

    file: int
    t: float
    program: str
    times: int = 1


class EvidenceWriter:
    """Adds to the derived tables inside the writer's transaction."""

    def __init__(self, database: sqlite_utils.Database) -> None:
        self._connection = database.conn
        self._touches: dict[tuple[int, int, int], Touch | None] = {}
        self._episodes: dict[int, tuple[int, float, float, int] | None] = {}
        self._together: list[tuple[tuple[object, ...], list[tuple[object, ...]]]] = []
        self._gathered = 0  # rows of pairs
        self._next: list[tuple[object, ...]] = []
        self._usage: list[tuple[object, ...]] = []
        self._sweeps: dict[int, tuple[object, ...]] = {}
        self._work: dict[tuple[str, str], str | None] = {}
        self._steps: dict[int, tuple[Step, ...]] = {}
        self._sources: dict[int, dict[int, Source]] = {}  # by product, those of each in order of number
        self._kept_sources = 0
        self._remade: dict[int, tuple[int, bool]] = {}  # products to write: uid, whether the table has some
        self._stored = set(self._connection.execute("SELECT kind, key FROM work"))  # what is to be deleted
        # How many neighbours a file has at most, by (file, uid); one that is not here has to be counted.
        self._crowds: dict[str, dict[tuple[int, int], int]] = {"together": {}, "next": {}}

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
        crowds = self._crowds["together"]
        for file, more in Counter(chain.from_iterable(pairs)).items():
            if (file, uid) in crowds:
                crowds[file, uid] += more

    def add_next(self, a: int, uid: int, b: int, weight: float, t: float, program: str) -> None:
        """Add one observation of `b` taken up after `a`."""
        self._next.append((a, uid, b, weight, 1, t, to_column(program)))
        crowds = self._crowds["next"]
        if (a, uid) in crowds:
            crowds[a, uid] += 1

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

    def sources(self, product: int) -> dict[int, Source]:
        """Return the product's direct sources as they stand, by their file."""
        known = self._sources.get(product)
        if known is None:
            rows = self._connection.execute(
                "SELECT source, t, program, count FROM source WHERE product = ? ORDER BY source", (product,)
            )
            known = {file: Source(file, t, from_column(program), count) for file, t, program, count in rows}
            self._keep_sources(product, known)
        return known.copy()

    def set_sources(self, product: int, uid: int, sources: dict[int, Source], *, had: bool = True) -> None:
        """Replace the product's direct sources; `had` says whether there may be some."""
        _, had = self._remade.get(product, (uid, had))
        self._remade[product] = uid, had
        self._keep_sources(product, {file: sources[file] for file in sorted(sources)})

    def _keep_sources(self, product: int, sources: dict[int, Source]) -> None:
        before = self._sources.pop(product, None)
        self._kept_sources += len(sources) + 1 - (0 if before is None else len(before) + 1)
        self._sources[product] = sources
        if self._kept_sources > SOURCES:
            self._flush_sources()
            self._sources.clear()
            self._kept_sources = 0

    def _forget_sources(self, product: int) -> None:
        known = self._sources.pop(product, None)
        self._kept_sources -= 0 if known is None else len(known) + 1

    def _flush_sources(self) -> None:
        """Write sources that were replaced: before anything else is done with the table."""
        if not self._remade:
            return
        remade = sorted(self._remade.items())
        self._connection.executemany(
            "DELETE FROM source WHERE product = ?", [(product,) for product, (_, had) in remade if had]
        )
        rows: list[tuple[object, ...]] = [
            (product, s.file, uid, s.t, to_column(s.program), s.times)
            for product, (uid, _) in remade
            for s in self._sources[product].values()
        ]
        insert_many(self._connection, "INSERT INTO source (product, source, uid, t, program, count)", rows)
        self._remade.clear()

    def add_sources(self, product: int, uid: int, sources: list[Source], again: int, most: int) -> None:
        """Add direct sources, or note that they were read again: `again` more times than is known.

        Of more than `most` those go that were read longest ago.
        """
        if not sources:
            return
        self._flush_sources()
        self._forget_sources(product)
        self._connection.executemany(
            "INSERT INTO source (product, source, uid, t, program, count) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET uid = excluded.uid, t = excluded.t, program = excluded.program,"
            f" count = count + {int(again)}",
            [(product, s.file, uid, s.t, to_column(s.program), s.times) for s in sources],
        )
        count = self._connection.execute("SELECT count(*) FROM source WHERE product = ?", (product,))
        if count.fetchone()[0] > most:
            self._connection.execute(
                "DELETE FROM source WHERE product = ?1 AND source IN (SELECT source FROM source"
                " WHERE product = ?1 ORDER BY t DESC, source DESC LIMIT -1 OFFSET ?2)",
                (product, most),
            )

    def products(self, source: int) -> list[tuple[int, int]]:
        """Return (product, uid) for all that was made from `source` directly, in order of number."""
        self._flush_sources()
        return self._connection.execute(
            "SELECT product, uid FROM source WHERE source = ? ORDER BY product", (source,)
        ).fetchall()

    def set_recipe(
        self, product: int, uid: int, t: float, process: int | None, writer: int, steps: tuple[Step, ...]
    ) -> None:
        """Note who made the product's present content, and how."""
        self._connection.execute(
            "INSERT INTO recipe (product, uid, t, generation, process, writer, steps)"
            " VALUES (?, ?, ?, 1, ?, ?, ?) ON CONFLICT DO UPDATE SET uid = excluded.uid,"
            " t = excluded.t, generation = generation + 1, process = excluded.process,"
            " writer = excluded.writer, steps = excluded.steps",
            (product, uid, t, process, writer, steps_to_json(steps)),
        )
        self._keep_steps(product, steps)

    def steps(self, product: int) -> tuple[Step, ...]:
        """Return how the product's present content was made, as far as that is known."""
        known = self._steps.get(product)
        if known is None:
            row = self._connection.execute(
                "SELECT steps FROM recipe WHERE product = ?", (product,)
            ).fetchone()
            known = self._keep_steps(product, () if row is None else steps_from_json(row[0]))
        return known

    def set_steps(self, product: int, steps: tuple[Step, ...]) -> None:
        """Replace the steps of a recipe; where there is none, nothing happens."""
        self._steps.pop(product, None)
        self._connection.execute(
            "UPDATE recipe SET steps = ? WHERE product = ?", (steps_to_json(steps), product)
        )

    def move_recipe(self, product: int, to: int) -> None:
        """Give another file the recipe of `product`, whose content it now has."""
        self._steps.pop(product, None)
        self._steps.pop(to, None)
        execute = self._connection.execute
        execute("DELETE FROM recipe WHERE product = ?", (to,))
        execute("UPDATE recipe SET product = ? WHERE product = ?", (to, product))

    def copy_recipe(self, product: int, to: int) -> None:
        """Give another name of `product` its recipe, if it has one."""
        self._steps.pop(to, None)
        self._connection.execute(
            "INSERT OR REPLACE INTO recipe (product, uid, t, generation, process, writer, steps)"
            " SELECT ?, uid, t, generation, process, writer, steps FROM recipe WHERE product = ?",
            (to, product),
        )

    def _keep_steps(self, product: int, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        self._steps[product] = steps
        if len(self._steps) > RECIPES:
            del self._steps[next(iter(self._steps))]
        return steps

    def work(self, kind: str, key: str, value: object | None) -> None:
        """Set, or with None delete, a piece of working state (anything that JSON can hold)."""
        self._work[kind, key] = None if value is None else _encode(value)

    def read_work(self, kind: str) -> Iterator[tuple[str, object]]:
        """Yield (key, value) of all working state of one kind."""
        rows = self._connection.execute("SELECT key, value FROM work WHERE kind = ?", (kind,))
        for key, value in rows.fetchall():
            yield key, json.loads(value)

    def flush(self) -> None:
        """Write what was gathered."""
        self._flush_episodes()
        self._flush_pairs()
        self._flush_sources()
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
        for table, crowds in self._crowds.items():
            doubtful = [file for file in files if crowds.get((file, uid), CROWDED + 1) > CROWDED]
            if doubtful:
                self._flush_pairs()
                counts = self._connection.execute(
                    f"SELECT a, count(*) FROM {table} WHERE a IN (SELECT value FROM json_each(?)) AND uid = ?"
                    " GROUP BY a",
                    (_encode(doubtful), uid),
                ).fetchall()
                for file in doubtful:
                    crowds[file, uid] = 0
                for file, count in counts:
                    crowds[file, uid] = count if count <= CROWDED else self._leave_best(table, file, uid)
                if len(crowds) > COUNTED:
                    crowds.clear()

    def _leave_best(self, table: str, file: int, uid: int) -> int:
        """Drop neighbours of which there are too many; return how many are left."""
        self._connection.execute(
            f"DELETE FROM {table} WHERE a = ?1 AND uid = ?2 AND b IN (SELECT b FROM {table}"
            " WHERE a = ?1 AND uid = ?2 ORDER BY weight DESC, b LIMIT -1 OFFSET ?3)",
            (file, uid, NEIGHBOURS),
        )
        return NEIGHBOURS

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
