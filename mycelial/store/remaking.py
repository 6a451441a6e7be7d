"""A chain of recipes as a script or a makefile."""

from __future__ import annotations

from collections.abc import Iterator

from mycelial.record.script import Rule, Unwritable, copy_line, directories, in_make, in_shell, step_line
from mycelial.store.recipes import Chain, Product


def as_script(chain: Chain, root: str) -> str:
    """Return a script for /bin/sh that makes the chain's file again; `root` is where the mount's root was.

    Raises
    ------
    Unwritable
        It cannot be made again, or not be written down.
    """
    _check(chain)
    root = chain.root or root
    steps = [link.step for product in chain.products for link in product.links]
    lines = directories(steps)
    done: set[object] = set()
    for product in chain.products:
        lines += _lines(product, root, done)
    if chain.products[-1].made_as != chain.path:
        lines.append(copy_line(chain.products[-1].made_as, chain.path))
    return in_shell(chain.path, lines)


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
    for product in chain.products:
        lines = tuple(_lines(product, root, set()))
        made = {link.step.product for link in product.links} | {then for _, then in _names(product)}
        needed = dict.fromkeys(now for now, _ in _names(product))
        needed |= dict.fromkeys(s for link in product.links for s in link.sources if s not in made)
        if (other := targets.get(lines)) is not None:
            rules.append(Rule(product.made_as, (other,), ()))
            continue
        targets[lines] = product.made_as
        before = directories(link.step for link in product.links)
        rules.append(Rule(product.made_as, tuple(needed), (*before, *lines)))
    last = chain.products[-1].made_as
    if last != chain.path:
        rules.append(Rule(chain.path, (last,), (copy_line(last, chain.path),)))
    return in_make(chain.path, rules)


def _check(chain: Chain) -> None:
    if chain.problem:
        raise Unwritable(f"{chain.path}: {chain.problem}")


def _lines(product: Product, root: str, done: set[object]) -> Iterator[str]:
    """Yield the lines that make a product, but for runs that were `done` for another, and note those."""
    for link in product.links:
        line, step = step_line(link.step, root), link.step
        run = (line, step.by if step.sure else step.shell_by)
        if run not in done:
            done.add(run)
            yield from (copy_line(now, then) for now, then in link.names)
            yield line


def _names(product: Product) -> Iterator[tuple[str, str]]:
    for link in product.links:
        yield from link.names
