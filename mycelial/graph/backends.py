"""Handing heavy computations to a faster implementation of networkx, where one is installed.

networkx can dispatch its functions to other packages (networkx.org, "Backends").  Of those tried,
graphblas-algorithms computes Katz's centrality in a third of the time, conversion included; nx-parallel has
neither that nor Louvain's method.  One that is installed but broken, or of another version, is passed by.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import networkx as nx

log = logging.getLogger(__name__)

T = TypeVar("T")

FASTER = ("graphblas",)
"""Implementations that are tried, in this order: such as give the same result on every run."""


def fastest(function: Callable[..., T], graph: nx.Graph, **arguments: Any) -> T:
    """Return ``function(graph, **arguments)`` as the first implementation that can computes it."""
    installed = getattr(getattr(nx, "config", None), "backends", {})
    for backend in FASTER:
        if backend in installed:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # it tells what it keeps in the graph, which goes at once
                    return function(graph, backend=backend, **arguments)
            except Exception as problem:  # whatever is wrong with it, networkx itself is there
                log.info("%s cannot compute it: %s", backend, problem)
    return function(graph, **arguments)
