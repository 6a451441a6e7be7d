"""A bar for what takes long."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


@contextmanager
def progress_bar(label: str, size: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar on the standard error, if somebody looks at it and its length is known.

    What is yielded is called with the position reached, of `size`.
    """
    if not size or not sys.stderr.isatty():
        yield lambda position: None
        return
    with click.progressbar(length=size, label=label, file=sys.stderr) as bar:
        yield lambda position: bar.update(position - bar.pos)
