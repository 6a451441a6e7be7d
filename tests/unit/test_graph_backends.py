"""Other implementations of networkx are used where they are installed, and passed by where they fail."""

from __future__ import annotations

import networkx as nx
import pytest

from mycelial.graph.backends import fastest


def both_ways(graph: nx.Graph, *, backend: str = "networkx") -> str:
    return f"{backend} {len(graph)}"


def broken(graph: nx.Graph, *, backend: str = "networkx") -> str:
    if backend != "networkx":
        raise ImportError("cannot import name '_rescale'")
    return both_ways(graph)


def test_without_another_implementation_networkx_computes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mycelial.graph.backends.nx.config", _Config({}))
    assert fastest(both_ways, nx.path_graph(3)) == "networkx 3"


def test_an_installed_implementation_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mycelial.graph.backends.nx.config", _Config({"other": 1, "graphblas": 1}))
    assert fastest(both_ways, nx.path_graph(3)) == "graphblas 3"


def test_one_that_is_broken_is_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mycelial.graph.backends.nx.config", _Config({"graphblas": 1}))
    assert fastest(broken, nx.path_graph(3)) == "networkx 3"


class _Config:
    def __init__(self, backends: dict[str, int]) -> None:
        self.backends = backends
