"""A chain of recipes as a script or a makefile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mycelial.record.script import Rule, Unwritable, copy_line, directories, in_make, in_shell, step_line
from mycelial.record.steps import Step
from mycelial.store.recipes import Chain, Product, in_rounds

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
    done: set[_Run] = set()
    is_swept = False  # whether a shell was called that may have removed directories
    for group in in_rounds(chain.products):
        steps = [link.step for product in group for link in product.links]
        found = list(_lines(group, root, done))
        if is_swept and found and all(step.sure for step in steps):
            lines += directories(_steps(group))
        is_swept = is_swept or not all(step.sure for step in steps)
        lines += found
    if chain.products[-1].made_as != chain.path:
        lines.append(copy_line(chain.products[-1].made_as, chain.path))
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


def _lines(group: list[Product], root: str, done: set[_Run]) -> Iterator[str]:
    """Yield the lines that make a group, but for runs that were `done` for another, and note those."""
    links = [link for product in group for link in product.links]
    if len(group) > 1:
        links.sort(key=lambda link: link.step.t)
    for link in links:
        line, step = step_line(link.step, root), link.step
        run = (line, step.by if step.sure else step.shell_by)
        if run not in done:
            done.add(run)
            yield from (copy_line(now, then) for now, then in link.names)
            yield line
