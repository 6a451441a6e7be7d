"""Recipes of recipes: from a file back to the files that nobody made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from mycelial.record.script import Unwritable, is_from_elsewhere, step_line
from mycelial.record.steps import Step, steps_from_json
from mycelial.store.connection import Database
from mycelial.store.names import from_column

DEEPEST = 200
"""Products that are followed one behind the other."""

LOOKED_AT = 200
"""Other recipes that are asked where the mount was."""

NEARBY = 86400.0
"""Seconds by which they may be later."""

LONGEST_RUN = 86400.0
"""Seconds within which a process id is taken for that of the same process."""

AT_ONCE = 600.0
"""Seconds within which what else a run made is looked for."""

MOST = 10_000
"""Products of a chain."""


_PIDS = re.compile(r'"(?:shell_)?by":\[(\d+),')
_Run = tuple[tuple[int, int], tuple[str, ...]]
"""One run of a shell, and what that was told, as scripts that it calls share its run; or of a program."""

_NO_RUN: _Run = (0, 0), ()


@dataclass(frozen=True, slots=True)
class Link:
    """One step, and what it needs: its sources by their names at the time.

    `names` are (path now, path at the time) of those that have, or are made under, another name; `beside` is
    what the same run made besides; `needs` are the files behind the sources that no step before made.
    """

    step: Step
    sources: tuple[str, ...]
    names: tuple[tuple[str, str], ...] = ()
    beside: tuple[str, ...] = ()
    needs: tuple[tuple[int, str], ...] = ()

    def steps(self) -> Iterator[Step]:
        """Yield the step, and as many more of its kind as the same run made other files."""
        yield self.step
        for path in self.beside:
            yield replace(self.step, product=path)


@dataclass(frozen=True, slots=True)
class Product:
    """A file that was made: the name under which its last step makes it, all steps, and what they need."""

    made_as: str
    links: tuple[Link, ...]
    file: int
    needs: frozenset[int]


@dataclass(slots=True)
class Chain:
    """All that has to be run to make a file again.

    Attributes
    ----------
    path : str
        The file.
    products : list of Product
        In an order in which they can be made, as far as there is one (:func:`in_rounds`); the file itself is
        the last.
    gone : list of str
        Sources that nobody made and that are not there any more.
    given : dict of str to str
        Sources that are taken as they are, and why they cannot be made again.
    problem : str
        Why the file cannot be made again; empty if it can.
    root : str
        Where the mount's root was when it was made; empty if not known.
    """

    path: str
    products: list[Product] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    root: str = ""


class Recipes:
    """Looks recipes up for one reader."""

    def __init__(self, database: Database, uid: int | None) -> None:
        self._execute = database.conn.execute
        self._whose = "" if uid is None else f" AND uid = {int(uid)}"

    def steps(self, file: int) -> tuple[Step, ...]:
        """Return how the file was made."""
        row = self._execute(f"SELECT steps FROM recipe WHERE product = ?{self._whose}", (file,)).fetchone()
        steps = () if row is None else steps_from_json(row[0])
        # What a shell is called again for, it does altogether.
        called = {step.shell for step in steps if not step.sure and step.shell}
        return tuple(_left_to_shell(step) if step.shell in called else step for step in steps)

    def chain(self, file: int, path: str) -> Chain:
        """Return everything that has to be run for the file, which has `path` now.

        Of its sources, what was made in a way that cannot be written down is taken as it is, if it is there.
        """
        given: dict[int, str] = {}
        while True:
            chain = self._chain(file, path, given)
            unknown = dict(self._unwritable(chain))
            if not unknown:
                return chain
            given |= unknown

    def _chain(self, file: int, path: str, given: Mapping[int, str]) -> Chain:
        steps = self.steps(file)
        chain = Chain(path)
        if not steps:
            chain.problem = "nobody was seen making it"
        elif not steps[0].whole:
            chain.problem = "it was changed in place, and nobody knows what it was before"
        else:
            self._visit(file, steps, chain, given, set(), 0)
            products = self._without_temporaries(_each_run_once(chain.products))
            chain.products = self._with_others_of_runs(products)
            chain.root = self._root(steps[-1])
        return chain

    def _unwritable(self, chain: Chain) -> Iterator[tuple[int, str]]:
        """Yield the sources for which nothing can be run, and why, but for those that are gone."""
        for product in chain.products[:-1]:
            try:
                for link in product.links:
                    step_line(link.step, chain.root)
            except Unwritable as problem:
                reason = str(problem).removeprefix(f"{link.step.product}: ")
            else:
                if not all(is_from_elsewhere(link.step, chain.root) for link in product.links):
                    continue
                reason = "what wrote it lies elsewhere, and was not told its name"
            if self._path(product.file):
                yield product.file, reason

    def _without_temporaries(self, products: list[Product]) -> list[Product]:
        """Leave out what was made and removed while a shell ran that is called again: it does that itself."""
        begun: dict[_Run, float] = {}
        for step in (link.step for product in products for link in product.links):
            if (shell := _shell_of(step)) is not None:
                begun[shell] = min(step.t, begun.get(shell, step.t))
        shells = {products[-1].file: _shell_of(products[-1].links[-1].step)}
        users: dict[int, list[int]] = {}
        for product in reversed(products):
            shells.setdefault(product.file, _shell_of(product.links[-1].step))
            for file in product.needs:
                users.setdefault(file, []).append(product.file)
        left_out: dict[int, Product] = {}
        for product in reversed(products[:-1]):
            last = product.links[-1].step
            of = {shells[user] for user in users.get(product.file, ())}
            shell = of.pop() if len(of) == 1 else None
            is_within = shell is not None and begun[shell] <= last.t and shell[0][1] == last.shell_by[1]
            if is_within and not self._path(product.file):
                left_out[product.file], shells[product.file] = product, shell
        return [_with_needs_of(product, left_out) for product in products if product.file not in left_out]

    def _with_others_of_runs(self, products: list[Product]) -> list[Product]:
        """Note what else the same runs made, as it may lie in other directories."""
        steps = [link.step for product in products for link in product.links]
        runs: dict[_Run, set[str]] = {run: set() for run in map(_run_of, steps) if any(run[0])}
        pids = {str(pid) for (pid, _), _ in runs}
        times = [step.t for step in steps]
        rows = self._execute(
            f"SELECT product, steps FROM recipe WHERE t BETWEEN ? AND ?{self._whose} ORDER BY t LIMIT {MOST}",
            (min(times) - AT_ONCE, max(times) + AT_ONCE),
        )
        for file, text in rows:
            if not pids.isdisjoint(_PIDS.findall(text)) and self._path(file):
                for step in steps_from_json(text):
                    runs.get(_run_of(step), set()).add(step.product)

        def noted(link: Link) -> Link:
            return replace(link, beside=tuple(sorted(runs.get(_run_of(link.step), ()))))

        return [replace(product, links=tuple(map(noted, product.links))) for product in products]

    def _root(self, last: Step) -> str:
        """Return where the mount's root was: the step says, or those made at about the same time."""
        if last.root:
            return last.root
        rows = self._execute(
            f"SELECT steps FROM recipe WHERE t <= ?{self._whose} ORDER BY abs(t - ?) LIMIT {LOOKED_AT}",
            (last.t + NEARBY, last.t),
        )
        cwd = f"{last.cwd or last.shell_cwd}/"
        roots = (step.root for (steps,) in rows for step in steps_from_json(steps))
        return next((root for root in roots if root and cwd.startswith(f"{root}/")), "")

    def _visit(
        self,
        file: int,
        steps: tuple[Step, ...],
        chain: Chain,
        given: Mapping[int, str],
        seen: set[int],
        depth: int,
    ) -> None:
        seen.add(file)
        made: set[str] = set()
        links = []
        for step in steps:
            reads = self._reads(step)
            needs = tuple((number, then) for number, then in reads if number != file and then not in made)
            now = [self._provide(*need, chain, given, seen, depth) for need in needs]
            names = tuple((path, then) for path, (_, then) in zip(now, needs, strict=True) if path != then)
            made.add(step.product)
            links.append(Link(step, tuple(path for _, path in reads), names, needs=needs))
        needed = frozenset(number for link in links for number, _ in link.needs)
        chain.products.append(Product(steps[-1].product, tuple(links), file, needed))

    def _reads(self, step: Step) -> list[tuple[int, str]]:
        """Return what a step needs, without what the same run made by the way and is gone: temporary files.

        These have other names each time; what they were made from is needed in their place.
        """
        found: list[tuple[int, str]] = []
        waiting = list(step.reads)
        seen = set(waiting)
        while waiting:
            file, then = waiting.pop(0)
            steps = self.steps(file) if any(step.by) else ()
            if steps and steps[-1].by == step.by and not self._path(file):
                waiting += [read for read in steps[-1].reads if read not in seen]
                seen.update(steps[-1].reads)
            else:
                found.append((file, then))
        return found

    def _provide(
        self, file: int, then: str, chain: Chain, given: Mapping[int, str], seen: set[int], depth: int
    ) -> str:
        """See that a source is there before it is used, and return the name that it has then."""
        now = self._path(file)
        if file in given:
            chain.given[now] = given[file]
            return now
        steps = self.steps(file)
        if steps and steps[0].whole and depth < DEEPEST and len(chain.products) < MOST:
            if file not in seen:
                self._visit(file, steps, chain, given, seen, depth + 1)
            return steps[-1].product
        if not now and then not in chain.gone:
            chain.gone.append(then)
        return now or then

    def _path(self, file: int) -> str:
        """Return where the file is; empty if it is gone."""
        names: list[str] = []
        number: int | None = file
        while number:
            row = self._execute("SELECT parent, name, gone FROM file WHERE id = ?", (number,)).fetchone()
            if row is None or row[2] or row[0] is None or len(names) > DEEPEST * 10:
                return ""
            names.append(from_column(row[1]))
            number = row[0]
        return "/".join(reversed(names))


def _with_needs_of(product: Product, left_out: Mapping[int, Product]) -> Product:
    """Return a product that needs what those that are left out need, in place of these."""
    waiting = [file for file in product.needs if file in left_out]
    if not waiting:
        return product
    seen = dict.fromkeys(waiting)
    for file in waiting:
        further = [need for need in left_out[file].needs if need in left_out and need not in seen]
        seen |= dict.fromkeys(further)
        waiting += further
    links = [link for file in seen for link in left_out[file].links]
    names = {left_out[file].made_as for file in seen} | {link.step.product for link in links}
    needs = product.needs.union(*(left_out[file].needs for file in seen)) - left_out.keys()
    sources = dict.fromkeys(name for link in (*product.links, *links) for name in link.sources)
    pairs = dict.fromkeys(pair for link in (product.links[0], *links) for pair in link.names)
    own = dict.fromkeys(need for link in (product.links[0], *links) for need in link.needs)
    first = replace(
        product.links[0],
        sources=tuple(name for name in sources if name not in names),
        names=tuple(pairs),
        needs=tuple(need for need in own if need[0] in needs),
    )
    rest = [
        replace(link, sources=(), needs=tuple(need for need in link.needs if need[0] in needs))
        for link in product.links[1:]
    ]
    kept = [
        replace(link, names=tuple(pair for pair in link.names if pair[0] not in names))
        for link in (first, *rest)
    ]
    return replace(product, links=tuple(kept), needs=needs)


def _left_to_shell(step: Step) -> Step:
    return replace(step, sure=False, product=step.later or step.product)


def _shell_of(step: Step) -> _Run | None:
    """Return the run of a shell that does a step, if a shell is called for it."""
    return (step.shell_by, step.shell) if not step.sure and step.shell and any(step.shell_by) else None


def _run_of(step: Step) -> _Run:
    """Return what tells the run of a step from others; none of a script, which makes its directories."""
    if step.sure:
        return step.by, ()
    return (step.shell_by, step.shell) if "-c" in step.shell[1:3] else _NO_RUN


def _each_run_once(products: list[Product]) -> list[Product]:
    """Leave to a shell or program that is run again all that it did then: nothing is to be done twice."""
    steps = [link.step for product in products for link in product.links]
    called = {shell: step for step in steps if (shell := _shell_of(step)) is not None}
    runs = {step.by[0]: step for step in steps if step.sure and any(step.by)}
    names: dict[str, str] = {}
    found = []
    for product in products:
        links = [replace(link, step=_step_of_run(link.step, called, runs)) for link in product.links]
        made_as = links[-1].step.product
        names[product.made_as] = made_as
        for at, link in enumerate(links):
            now = [(names.get(name, name), then) for name, then in link.names]
            links[at] = replace(link, names=tuple(pair for pair in now if pair[0] != pair[1]))
        found.append(replace(product, made_as=made_as, links=tuple(links)))
    return found


def _step_of_run(step: Step, called: dict[_Run, Step], runs: dict[int, Step]) -> Step:
    if shell := called.get((step.shell_by, step.shell)):
        return replace(_left_to_shell(step), shell=shell.shell, shell_cwd=shell.shell_cwd)
    above = [runs[pid] for pid in step.above if pid in runs and _may_be_below(step, runs[pid])]
    if not above or not step.sure:
        return step
    return replace(step, commands=above[-1].commands, cwd=above[-1].cwd, root=above[-1].root, by=above[-1].by)


def _may_be_below(step: Step, run: Step) -> bool:
    """Whether a process that had the id of a run above a step may be that run, and not a later one."""
    begun = (run.by[1], step.by[1])
    return abs(run.t - step.t) <= LONGEST_RUN and (not all(begun) or begun[0] <= begun[1])


def in_rounds(products: list[Product]) -> list[list[Product]]:
    """Put together what was made from one another, and keep the order otherwise.

    LaTeX reads what it wrote before, and BibTeX's list of references, which is made from what LaTeX wrote.
    These are the strongly connected components (Sharir 1981); the products of a chain stand in the order in
    which a search in depth left them, which is half of the method.
    """
    place = {product.file: index for index, product in enumerate(products)}
    users: dict[int, list[int]] = {}
    for product in products:
        for file in product.needs:
            users.setdefault(file, []).append(product.file)
    taken: set[int] = set()
    found = []
    for product in reversed(products):
        waiting = [product.file] if product.file not in taken else []
        taken.add(product.file)
        group = set(waiting)
        while waiting:
            further = [file for file in users.get(waiting.pop(), ()) if file not in taken]
            taken.update(further)
            group.update(further)
            waiting += further
        if group:
            found.append([products[index] for index in sorted(place[file] for file in group)])
    return found[::-1]
