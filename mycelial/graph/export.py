"""A picture for other programs: GraphML and GEXF (Gephi, yEd, Cytoscape, igraph) and DOT (Graphviz)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import networkx as nx

from mycelial.graph.drawing import page, svg
from mycelial.record.display import printable
from mycelial.store.picture import Picture


def graph_of(picture: Picture) -> nx.MultiDiGraph:
    """Return the picture as a graph; a relation without direction is one edge, from the lower number.

    Names that do not print are escaped: neither XML nor a terminal takes them as they are.
    """
    graph = nx.MultiDiGraph()
    for number, file in enumerate(picture.files):
        path = printable(file.path)
        graph.add_node(
            f"n{number}", label=path, path=path, cluster=printable(file.cluster), weight=float(file.weight)
        )
    for line in picture.lines:
        graph.add_edge(
            f"n{line.a}",
            f"n{line.b}",
            kind=line.kind,
            weight=float(line.strength),
            count=int(line.count),
        )
    return graph


def graphml(picture: Picture, title: str) -> str:
    """Return the picture as GraphML."""
    return "\n".join(nx.generate_graphml(graph_of(picture))) + "\n"


def gexf(picture: Picture, title: str) -> str:
    """Return the picture as GEXF."""
    return "\n".join(nx.generate_gexf(graph_of(picture))) + "\n"


def dot(picture: Picture, title: str) -> str:
    """Return the picture in Graphviz's language."""
    lines = [f"digraph {_quoted(title)} {{", "  graph [overlap=false, splines=true];", "  node [shape=box];"]
    for number, file in enumerate(picture.files):
        name = file.path.rpartition("/")[2]
        about = f"label={_quoted(name)}, tooltip={_quoted(file.path)}, group={_quoted(file.cluster)}"
        lines.append(f"  n{number} [{about}];")
    for line in picture.lines:
        look = "dir=none" if line.kind == "together" else "style=dashed"
        lines.append(f"  n{line.a} -> n{line.b} [{look}, weight={max(1, round(10 * line.strength))}];")
    return "\n".join([*lines, "}\n"])


def _quoted(text: str) -> str:
    """Return a DOT string; a backslash would begin an escape there."""
    return '"' + printable(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


FORMATS: Mapping[str, Callable[[Picture, str], str]] = {
    "html": page,
    "svg": svg,
    "graphml": graphml,
    "dot": dot,
    "gexf": gexf,
}
"""What a picture can be written as: functions of the picture and its title."""
