"""Products that are older than what they were made from, directly or through other products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlite_utils


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


# What one run wrote all in one go is not older than itself.
_OLDER = """
    SELECT source.product, source.source, p.changed, s.changed
    FROM source JOIN file AS p ON p.id = source.product JOIN file AS s ON s.id = source.source
    LEFT JOIN recipe AS made ON made.product = p.id LEFT JOIN recipe AS given ON given.product = s.id
    WHERE s.changed > p.changed AND NOT p.gone AND NOT s.gone AND NOT p.transient AND NOT s.transient
    AND (made.process IS NULL OR given.process IS NULL OR made.process != given.process){whose}
    ORDER BY s.changed DESC, source.product, source.source
"""


def newer_source(database: sqlite_utils.Database, uid: int | None, product: int) -> int | None:
    """Return the direct source that changed last since the product was made; None if there is none."""
    whose = f" AND source.product = {int(product)}" + ("" if uid is None else f" AND source.uid = {int(uid)}")
    row = database.conn.execute(_OLDER.format(whose=whose)).fetchone()
    return None if row is None else int(row[1])


def find_stale(
    database: sqlite_utils.Database, uid: int | None, path_of: Callable[[int], str | None]
) -> list[Stale]:
    """Return what `uid` made (None: anybody) and is stale, what changed last first, then by path.

    `path_of` gives a file's path, or None if it is not to be shown.
    """
    whose = "" if uid is None else f" AND source.uid = {int(uid)}"
    found: dict[int, tuple[int, float, int]] = {}  # product -> source, its time, product between (0: none)
    made: dict[int, float] = {}
    for product, source, then, changed in database.conn.execute(_OLDER.format(whose=whose)):
        if product != source and product not in found:
            found[product] = (source, changed, 0)
            made[product] = then
    waiting = list(found)
    for product in waiting:
        rows = database.conn.execute(
            "SELECT product, changed FROM source JOIN file ON file.id = product"
            f" WHERE source = ?{whose} AND NOT gone AND NOT transient ORDER BY product",
            (product,),
        )
        for further, then in rows.fetchall():
            if further not in found:
                found[further] = (*found[product][:2], product)
                made[further] = then or 0.0
                waiting.append(further)
    stale = []
    for product, (source, changed, between) in found.items():
        path, name, via = path_of(product), path_of(source), path_of(between) if between else ""
        if path is not None and name is not None:
            stale.append(Stale(path, name, made[product], changed, via or ""))
    return sorted(stale, key=lambda one: (-one.changed, one.via != "", one.path))
