"""Writing what files were made from, and how: tables `source` and `recipe`.

A product is made again and again within moments, each time from the same.  What is known of it is gathered,
and written at :meth:`ProvenanceWriter.flush` as it is then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mycelial.record.steps import Step, steps_from_json, steps_to_json
from mycelial.store.cache import Seen
from mycelial.store.connection import Database
from mycelial.store.many import insert_many
from mycelial.store.names import from_column, to_column

RECIPES = 4000
"""Recipes of which the steps are remembered, and recipes that are gathered at most."""

SOURCES = 50_000
"""Sources that are remembered, of all products together; each product without any counts, too."""


class Source(NamedTuple):
    """One direct source of a product (a row of table `source`)."""

    file: int
    t: float
    program: str
    times: int = 1


@dataclass(slots=True)
class _Recipe:
    """A row of table `recipe` to be written, made anew so many `times` since it was written last."""

    uid: int
    t: float
    process: int | None
    writer: int
    steps: tuple[Step, ...]
    times: int


class ProvenanceWriter:
    """Keeps what is known of products, inside the writer's transaction."""

    def __init__(self, database: Database) -> None:
        self._connection = database.conn
        self._sources: dict[int, dict[int, Source]] = {}  # by product, those of each in order of number
        self._kept_sources = 0
        self._remade: dict[int, tuple[int, bool]] = {}  # products to write: uid, whether the table has some
        self._remade_from: dict[int, set[int]] = {}  # by source, those that may be made from it
        self._steps: dict[int, tuple[Step, ...]] = {}
        self._recipes: dict[int, _Recipe] = {}  # by product
        # Products that ever had sources, or a recipe, if all are known.
        self._ever_made = Seen() if self._is_empty("source") else None
        self._ever_recipes = Seen() if self._is_empty("recipe") else None

    def sources(self, product: int) -> dict[int, Source]:
        """Return the product's direct sources as they stand, by their file."""
        known = self._sources.get(product)
        if known is None:
            if self._ever_made is not None and product not in self._ever_made:
                return {}
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
        for source in sources:
            self._remade_from.setdefault(source, set()).add(product)
        if self._ever_made is not None:
            self._ever_made.add(product)
        self._keep_sources(product, {file: sources[file] for file in sorted(sources)})

    def add_sources(self, product: int, uid: int, sources: list[Source], again: int, most: int) -> None:
        """Add direct sources, or note that they were read again: `again` more times than is known.

        Of more than `most` those go that were read longest ago.
        """
        if not sources:
            return
        self._flush_sources()
        if self._ever_made is not None:
            self._ever_made.add(product)
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
        remade = self._remade
        found = self._connection.execute("SELECT product, uid FROM source WHERE source = ?", (source,))
        products = {product: uid for product, uid in found if product not in remade}
        for product in self._remade_from.get(source, ()):
            if source in self._sources[product]:
                products[product] = remade[product][0]
        return sorted(products.items())

    def set_recipe(
        self, product: int, uid: int, t: float, process: int | None, writer: int, steps: tuple[Step, ...]
    ) -> None:
        """Note who made the product's present content, and how."""
        before = self._recipes.get(product)
        times = 1 if before is None else before.times + 1
        self._recipes[product] = _Recipe(uid, t, process, writer, steps, times)
        if self._ever_recipes is not None:
            self._ever_recipes.add(product)
        if before is None and len(self._recipes) > RECIPES:
            self._flush_recipes()
        self._keep_steps(product, steps)

    def steps(self, product: int) -> tuple[Step, ...]:
        """Return how the product's present content was made, as far as that is known."""
        gathered = self._recipes.get(product)
        if gathered is not None:
            return gathered.steps
        known = self._steps.get(product)
        if known is None:
            if not self._may_have_recipe(product):
                return ()
            row = self._connection.execute(
                "SELECT steps FROM recipe WHERE product = ?", (product,)
            ).fetchone()
            known = self._keep_steps(product, () if row is None else steps_from_json(row[0]))
        return known

    def set_steps(self, product: int, steps: tuple[Step, ...]) -> None:
        """Replace the steps of a recipe; where there is none, nothing happens."""
        self._steps.pop(product, None)
        gathered = self._recipes.get(product)
        if gathered is not None:
            gathered.steps = steps
        elif self._may_have_recipe(product):
            self._connection.execute(
                "UPDATE recipe SET steps = ? WHERE product = ?", (steps_to_json(steps), product)
            )

    def move_recipe(self, product: int, to: int) -> None:
        """Give another file the recipe of `product`, whose content it now has."""
        self._write_recipes(product, to)
        execute = self._connection.execute
        execute("DELETE FROM recipe WHERE product = ?", (to,))
        execute("UPDATE recipe SET product = ? WHERE product = ?", (to, product))

    def copy_recipe(self, product: int, to: int) -> None:
        """Give another name of `product` its recipe, if it has one."""
        self._write_recipes(product, to)
        self._connection.execute(
            "INSERT OR REPLACE INTO recipe (product, uid, t, generation, process, writer, steps)"
            " SELECT ?, uid, t, generation, process, writer, steps FROM recipe WHERE product = ?",
            (to, product),
        )

    def flush(self) -> None:
        """Write what was gathered."""
        self._flush_sources()
        self._flush_recipes()

    def _is_empty(self, table: str) -> bool:
        return self._connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None

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
        """Write sources that were replaced: before anything is added to the table."""
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
        self._remade_from.clear()

    def _keep_steps(self, product: int, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        self._steps[product] = steps
        if len(self._steps) > RECIPES:
            del self._steps[next(iter(self._steps))]
        return steps

    def _may_have_recipe(self, product: int) -> bool:
        return self._ever_recipes is None or product in self._ever_recipes

    def _write_recipes(self, product: int, to: int) -> None:
        """See to it that the table has the recipes of both, before `to` gets that of `product`."""
        if product in self._recipes or to in self._recipes:
            self._flush_recipes()
        if self._ever_recipes is not None:
            self._ever_recipes.add(to)
        self._steps.pop(product, None)
        self._steps.pop(to, None)

    def _flush_recipes(self) -> None:
        rows: list[tuple[object, ...]] = [
            (product, r.uid, r.t, r.times, r.process, r.writer, steps_to_json(r.steps))
            for product, r in self._recipes.items()
        ]
        insert_many(
            self._connection,
            "INSERT INTO recipe (product, uid, t, generation, process, writer, steps)",
            rows,
            "ON CONFLICT DO UPDATE SET uid = excluded.uid, t = excluded.t,"
            " generation = generation + excluded.generation, process = excluded.process,"
            " writer = excluded.writer, steps = excluded.steps",
        )
        self._recipes.clear()
