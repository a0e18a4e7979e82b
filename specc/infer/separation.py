"""Independence that follows from the graph of a model alone (Koller and Friedman 2009, 3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Source, Span
from specc.graph.graph import Graph
from specc.graph.passes.dependence import open_path
from specc.infer.network import unknown
from specc.infer.refusal import Refusal
from specc.objective.passes.values import Values


@dataclass(frozen=True, slots=True)
class Separation:
    """Whether two nodes are independent given others in every model of the graph.

    Where they are not, `path` is a path along which they depend on each other, `arrows` says how
    its edges run (`->` or `<-`), and `meetings` holds the nodes at which two edges meet head to
    head, each with the node that is given there: itself, or one that follows from it.
    """

    left: str
    right: str
    given: tuple[str, ...]
    path: tuple[str, ...]
    arrows: tuple[str, ...]
    meetings: tuple[tuple[str, str], ...]

    @property
    def independent(self) -> bool:
        """Whether no path is open."""
        return not self.path


def separate(graph: Graph, left: str, right: str, given: Sequence[str]) -> Separation:
    """The answer. Raises Refusal E1002 for a name that is no variable, E1004 for one twice.

    Nodes that are `given` in the spec have no distribution; all but the two are held fixed.
    """
    _check(graph, "--independent", (left, right), ())
    _check(graph, "--given", given, (left, right))
    digraph = random_graph(graph)
    data = [n.name for n in graph.model.nodes.values() if n.role == "given"]
    fixed = tuple(dict.fromkeys([*given, *(n for n in data if n not in (left, right))]))
    path = open_path(digraph, left, right, fixed) or ()
    arrows = tuple("->" if digraph.has_edge(a, b) else "<-" for a, b in pairwise(path))
    met = [path[i + 1] for i, two in enumerate(pairwise(arrows)) if two == ("->", "<-")]
    meetings = tuple((name, _held(digraph, name, fixed)) for name in met)
    return Separation(left, right, fixed, path, arrows, meetings)


def random_graph(graph: Graph) -> nx.DiGraph[str]:
    """Who depends on whom among the random and given nodes of the model, through `let` nodes.

    The parts of one draw depend on it alone, and through it on each other.
    """
    digraph: nx.DiGraph[str] = nx.DiGraph()
    inputs = Values(graph, {})
    for name, node in graph.model.nodes.items():
        if node.whole is not None:
            digraph.add_edge(node.whole, name)
        elif node.is_random or node.role == "given":
            digraph.add_node(name)
            digraph.add_edges_from((used, name) for used in inputs.inputs(node.program, name))
    return digraph


def _held(digraph: nx.DiGraph[str], name: str, given: Iterable[str]) -> str:
    """What is given of a node and of all that follows from it: the node itself, or the nearest."""
    distance = nx.single_source_shortest_path_length(digraph, name)
    return min((n for n in given if n in distance), key=distance.__getitem__)


def _check(graph: Graph, option: str, names: Sequence[str], before: Sequence[str]) -> None:
    source, start = Source(option, " ".join(names)), 0
    nodes = graph.model.nodes
    seen = set(before)
    for name in names:
        span = Span(source, start, start + len(name))
        start += len(name) + 1
        if name not in nodes or not (nodes[name].is_variable or nodes[name].role == "given"):
            raise Refusal(unknown(nodes, name, span))
        if name in seen:
            raise Refusal(diagnose("E1004", span, name=name))
        seen.add(name)
