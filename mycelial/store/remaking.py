"""A chain of recipes as a script or a makefile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mycelial.record.script import Rule, Unwritable, copy_line, directories, in_make, in_shell, step_line
from mycelial.record.steps import Step
from mycelial.store.recipes import Chain, Link, Product, in_rounds

_Run = tuple[str, tuple[int, int]]


def as_script(chain: Chain, root: str) -> str:
    """Return a script for /bin/sh that makes the chain's file again; `root` is where the mount's root was.

    Raises
    ------
    Unwritable
        It cannot be made again, or not be written down.
    """
    _check(chain)
    root = chain.root or root
    lines = directories(_steps(chain.products))
    tree = _Tree(chain, root)
    is_swept = False  # whether a shell was called that may have removed directories
    for group in in_rounds(chain.products):
        steps = [link.step for product in group for link in product.links]
        found = list(tree.lines(group))
        if is_swept and found and all(step.sure for step in steps):
            lines += directories(_steps(group))
        is_swept = is_swept or not all(step.sure for step in steps)
        lines += found
    lines += tree.named(chain.path, chain.products[-1])
    return in_shell(chain.path, lines, chain.given)


def as_makefile(chain: Chain, root: str) -> str:
    """Return a makefile that makes the chain's file again.

    Raises
    ------
    Unwritable
        It cannot be made again, or not be written down.
    """
    _check(chain)
    root = chain.root or root
    rules: list[Rule] = []
    names = [product.made_as for product in chain.products]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Unwritable(f"{twice}: two files were made under this name: use --script")
    targets: dict[tuple[str, ...], str] = {}  # lines -> what the rule with them makes
    makers: dict[_Run, str] = {}
    for group in in_rounds(chain.products):
        runs: set[_Run] = set()
        lines = tuple(_lines(group, root, runs))
        *others, target = [product.made_as for product in group]
        made_then = {makers.get(run) for run in runs}
        other = targets.get(lines) or (made_then.pop() if len(made_then) == 1 else None)
        if other is not None:
            rules += [Rule(name, (other,), ()) for name in (*others, target)]
            continue
        targets[lines] = target
        makers |= dict.fromkeys(runs, target)
        links = [link for product in group for link in product.links]
        copied = [pair for link in links for pair in link.names]
        made = {*others, target} | {link.step.product for link in links} | {then for _, then in copied}
        needed = dict.fromkeys(now for now, _ in copied if now not in (*others, target))
        needed |= dict.fromkeys(name for link in links for name in link.sources if name not in made)
        rules.append(Rule(target, tuple(needed), (*directories(_steps(group)), *lines)))
        rules += [Rule(name, (target,), ()) for name in others]
    last = chain.products[-1].made_as
    if last != chain.path:
        rules.append(Rule(chain.path, (last,), (copy_line(last, chain.path),)))
    return in_make(chain.path, rules, chain.given)


def _steps(products: Iterable[Product]) -> Iterator[Step]:
    for product in products:
        for link in product.links:
            yield from link.steps()


def _check(chain: Chain) -> None:
    if chain.problem:
        raise Unwritable(f"{chain.path}: {chain.problem}")


def _run(link: Link, root: str) -> _Run:
    """Return the line that does a link's step, and the process that did it."""
    return step_line(link.step, root), link.step.by if link.step.sure else link.step.shell_by


def _calls(group: list[Product], root: str, done: set[_Run]) -> Iterator[tuple[Link, _Run]]:
    """Yield what makes a group, but for runs that were `done` for another, and note those."""
    links = [link for product in group for link in product.links]
    if len(group) > 1:
        links.sort(key=lambda link: link.step.t)
    for link in links:
        run = _run(link, root)
        if run not in done:
            done.add(run)
            yield link, run


def _lines(group: list[Product], root: str, done: set[_Run]) -> Iterator[str]:
    for link, (line, _) in _calls(group, root, done):
        yield from (copy_line(now, then) for now, then in link.names)
        yield line


class _Tree:
    """The tree while a script runs, in which one name may stand for several files, one after the other.

    A name holds files that the script makes, or what lies at a path before it runs.
    """

    def __init__(self, chain: Chain, root: str) -> None:
        self._root = root
        self._done: set[_Run] = set()
        self._gone = frozenset(chain.gone)
        self._holds: dict[str, frozenset[int] | str] = {}
        self._made_as = {product.file: product.made_as for product in chain.products}
        self._needed_as: dict[int, dict[str, None]] = {chain.products[-1].file: {chain.path: None}}
        self._last = {product.file: _run(product.links[-1], root) for product in chain.products}
        self._makes: dict[_Run, dict[str, set[int]]] = {}
        makers: dict[str, set[int]] = {}
        for product in chain.products:
            for link in product.links:
                name = link.step.product
                makers.setdefault(name, set()).add(product.file)
                self._makes.setdefault(_run(link, root), {}).setdefault(name, set()).add(product.file)
                for file, then in link.needs:
                    self._needed_as.setdefault(file, {})[then] = None
        self._shared = {name for name, files in makers.items() if len(files) > 1}

    def lines(self, group: list[Product]) -> Iterator[str]:
        """Yield the lines that make a group; what has a name that others have, too, is copied at once.

        Raises
        ------
        Unwritable
            A line would find another file under a name than it did.
        """
        inner = {product.file for product in group}
        for link, run in _calls(group, self._root, self._done):
            for now, then in link.names:
                if now not in self._shared:
                    yield self._copied(now, then)
            for file, then in link.needs:
                if file not in inner:
                    self._check(file, then, link)
                elif self._made_as[file] in self._shared:
                    raise _mixed_up(then)
            yield run[0]
            made = self._makes[run]
            self._holds |= {name: frozenset(files) for name, files in made.items()}
            for name in sorted(made.keys() & self._shared):
                yield from self._at_once(name, made[name], run)

    def named(self, path: str, last: Product) -> Iterator[str]:
        """Yield the line that gives what was asked for the name that it has now."""
        if last.made_as in self._shared:
            self._check(last.file, path)
        elif last.made_as != path:
            yield copy_line(last.made_as, path)

    def _at_once(self, name: str, files: set[int], run: _Run) -> Iterator[str]:
        """Yield the lines that give what a run has made for good the names under which it is needed."""
        for file in files:
            if self._last[file] == run:
                if len(files) > 1:
                    raise _mixed_up(name)
                yield from (
                    self._copied(name, then) for then in self._needed_as.get(file, {}) if then != name
                )

    def _copied(self, now: str, then: str) -> str:
        self._holds[then] = self._holds.get(now, now)
        return copy_line(now, then)

    def _check(self, file: int, name: str, link: Link | None = None) -> None:
        """See that a file is there under the name that is needed."""
        held = self._holds.get(name, name)
        if file in self._made_as:
            is_there = (
                file in held if isinstance(held, frozenset) else self._made_as[file] not in self._shared
            )
        else:
            now = next((now for now, then in link.names if then == name), name) if link else name
            is_there = held == now or name in self._gone
        if not is_there:
            raise _mixed_up(name)


def _mixed_up(name: str) -> Unwritable:
    return Unwritable(f"{name}: several files had this name by turns, and a script would mix them up")
