"""Products that are older than what they were made from, directly or through other products.

What was made in rounds, each file from the others (LaTeX's and BibTeX's), is always older than one of them.
Such a file is stale only if something is newer than it that nobody made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from mycelial.store.connection import Database

LOOKED_AT = 1000
"""Files above a source that are looked at."""

THROUGH_GONE = 200_000
"""Pairs of a product and a file above it that is gone that are looked at."""


@dataclass(frozen=True, slots=True)
class Stale:
    """A product that would be made anew.

    Attributes
    ----------
    path : str
    source : str
        What has changed since the product was made.
    made, changed : float
        When the product and the source were written last, in seconds since the epoch.
    via : str
        The product in between that is older than the source itself; empty if the source is a direct one.
    """

    path: str
    source: str
    made: float
    changed: float
    via: str


class _Older(NamedTuple):
    """A product that is older than a source of it: their times, and who made the product."""

    product: int
    source: int
    then: float
    changed: float
    maker: int | None


# What one run wrote all in one go is not older than itself.
# Of sources that were made from nothing, which are in no round, the one that changed last is enough.
_OLDER = """
    SELECT source.product, source.source, p.changed, max(s.changed), made.process
    FROM {pairs} AS source JOIN file AS p ON p.id = source.product JOIN file AS s ON s.id = source.source
    LEFT JOIN recipe AS made ON made.product = p.id LEFT JOIN recipe AS given ON given.product = s.id
    WHERE s.changed > p.changed AND NOT p.gone AND NOT s.gone AND NOT p.transient AND NOT s.transient
    AND (made.process IS NULL OR given.process IS NULL OR made.process != given.process){whose}
    GROUP BY source.product,
             CASE WHEN EXISTS (SELECT 1 FROM source AS its WHERE its.product = s.id) THEN s.id END
"""

# What was made from a file that is gone by now was made from what that was made from.
# Only for products that are there: each of a long row of files that are gone has all the others above it.
_THROUGH_GONE = """
    WITH RECURSIVE above(product, gone, uid) AS (
        SELECT p.id, middle.id, further.uid
        FROM file AS middle JOIN source AS further ON further.source = middle.id
        JOIN file AS p ON p.id = further.product
        WHERE (middle.gone OR middle.transient) AND NOT p.gone AND NOT p.transient{only}
        UNION
        SELECT above.product, middle.id, above.uid
        FROM above JOIN source AS own ON own.product = above.gone AND own.uid = above.uid
        JOIN file AS middle ON middle.id = own.source
        WHERE middle.gone OR middle.transient
        LIMIT {most}
    ), through(product, source, uid) AS (
        SELECT above.product, own.source, above.uid
        FROM above JOIN source AS own ON own.product = above.gone AND own.uid = above.uid
    )
"""

_ABOVE = """
    SELECT source.source, CASE WHEN EXISTS (SELECT 1 FROM source AS its WHERE its.product = file.id) THEN 0.0
                               ELSE coalesce(changed, 0.0) END, recipe.process
    FROM source JOIN file ON file.id = source.source LEFT JOIN recipe ON recipe.product = source.source
    WHERE source.product = ?{whose} AND NOT gone AND NOT transient ORDER BY source.source
"""


def newer_source(database: Database, uid: int | None, product: int) -> int | None:
    """Return the source that changed last since the product was made; None if there is none.

    It is a direct one, but for what was made in rounds.
    """
    rounds = _Rounds(database, uid)
    for older in _older(database, uid, product):
        newer = rounds.newer(older)
        if newer is not None:
            return newer[0]
    return None


def _older(database: Database, uid: int | None, product: int | None = None) -> list[_Older]:
    """Return what, or which one, is older than a source of it, the source that changed last first."""
    whose = "" if uid is None else f" AND source.uid = {int(uid)}"
    only = "" if product is None else f".product = {int(product)}"
    filters = whose + (only and f" AND source{only}")
    followed = whose.replace("source.", "further.") + (only and f" AND further{only}")
    through = _THROUGH_GONE.format(only=followed, most=THROUGH_GONE)
    queries = (
        _OLDER.format(pairs="source", whose=filters),
        through + _OLDER.format(pairs="through", whose=filters),
    )
    found = {_Older(*row) for query in queries for row in database.conn.execute(query).fetchall()}
    return sorted(found, key=lambda one: (-one.changed, one.product, one.source))


@dataclass(frozen=True, slots=True)
class _Above:
    """What a file was made from, directly or not: what nobody made, with its time, and who made the rest."""

    files: set[int] = field(default_factory=set)
    origins: list[tuple[float, int]] = field(default_factory=list)
    makers: set[int | None] = field(default_factory=set)


class _Rounds:
    """Knows what was made from itself, through others."""

    def __init__(self, database: Database, uid: int | None) -> None:
        self._execute = database.conn.execute
        self._whose = "" if uid is None else f" AND source.uid = {int(uid)}"
        self._known: dict[int, _Above] = {}

    def newer(self, older: _Older) -> tuple[int, float, int] | None:
        """Return what makes a product stale, when it changed, and the source through which it does.

        0 for that if it is the source itself. None if the product is not stale for this: then the source was
        made from the product, or from what was written together with it.
        """
        above = self._above(older.source)
        if older.product not in above.files and (older.maker is None or older.maker not in above.makers):
            return older.source, older.changed, 0
        t, file = max(above.origins, default=(0.0, 0))
        return (file, t, older.source) if t > older.then else None

    def _above(self, file: int) -> _Above:
        if file in self._known:
            return self._known[file]
        above = self._known[file] = _Above()
        waiting = [file]
        while waiting and len(above.files) < LOOKED_AT:
            rows = self._execute(_ABOVE.format(whose=self._whose), (waiting.pop(),))
            for source, changed, maker in rows.fetchall():
                if source not in above.files:
                    above.files.add(source)
                    above.makers.add(maker)
                    above.origins.extend([(changed, source)] if changed else [])
                    waiting.append(source)
        return above


def find_stale(database: Database, uid: int | None, path_of: Callable[[int], str | None]) -> list[Stale]:
    """Return what `uid` made (None: anybody) and is stale, what changed last first, then by path.

    `path_of` gives a file's path, or None if it is not to be shown.
    """
    whose = "" if uid is None else f" AND source.uid = {int(uid)}"
    found: dict[int, tuple[int, float, int]] = {}  # product -> source, its time, product between (0: none)
    made: dict[int, float] = {}
    rounds = _Rounds(database, uid)
    for older in _older(database, uid):
        if older.product == older.source or older.product in found:
            continue
        newer = rounds.newer(older)
        if newer is not None:
            found[older.product] = newer
            made[older.product] = older.then
    gone: dict[int, tuple[int, float, int]] = {}  # as `found`: what was made of these may be there
    waiting = list(found)
    for product in waiting:
        source, changed, between = gone[product] if product in gone else (*found[product][:2], product)
        rows = database.conn.execute(
            "SELECT product, changed, gone OR transient FROM source JOIN file ON file.id = product"
            f" WHERE source = ?{whose} ORDER BY product",
            (product,),
        )
        for further, then, is_gone in rows.fetchall():
            if further not in found and further not in gone:
                (gone if is_gone else found)[further] = source, changed, between
                made[further] = then or 0.0
                waiting.append(further)
    stale = []
    for product, (source, changed, between) in found.items():
        path, name, via = path_of(product), path_of(source), path_of(between) if between else ""
        if path is not None and name is not None:
            stale.append(Stale(path, name, made[product], changed, via or ""))
    return sorted(stale, key=lambda one: (-one.changed, one.via != "", one.path))
