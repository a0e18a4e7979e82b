"""Independence by the graph of a model (Koller and Friedman 2009, section 3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx

from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Source, Span
from specc.graph.graph import Graph
from specc.graph.nodes import Given, Part
from specc.infer.dependence import open_path
from specc.infer.network import unknown
from specc.infer.refusal import Refusal
from specc.objective.passes.stochastic_graph import StochasticGraph


@dataclass(frozen=True, slots=True)
class Separation:
    """Whether two nodes are independent given others in every model with the graph.

    If they are not, `path` is an open path, `arrows` has the directions of its edges (`->` or
    `<-`), and `meetings` has its colliders, each with the given node that opens it: the collider or
    a descendant.
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
    """Return the separation; raises Refusal E1002 for an unknown name, E1004 for a repeated one.

    Nodes that are `given` in the spec have no distribution and count as evidence.
    """
    _check(graph, "--independent", (left, right), ())
    _check(graph, "--given", given, (left, right))
    digraph = random_graph(graph)
    data = [n.name for n in graph.model.nodes.values() if isinstance(n, Given)]
    fixed = tuple(dict.fromkeys([*given, *(n for n in data if n not in (left, right))]))
    path = open_path(digraph, left, right, fixed) or ()
    arrows = tuple("->" if digraph.has_edge(a, b) else "<-" for a, b in pairwise(path))
    colliders = [path[i + 1] for i, two in enumerate(pairwise(arrows)) if two == ("->", "<-")]
    meetings = tuple((name, _nearest_given(digraph, name, fixed)) for name in colliders)
    return Separation(left, right, fixed, path, arrows, meetings)


def random_graph(graph: Graph) -> nx.DiGraph[str]:
    """Return the dependence graph of random and given nodes of the model, through `let` nodes.

    The parts of a joint draw are children of that draw.
    """
    digraph: nx.DiGraph[str] = nx.DiGraph()
    stochastic = StochasticGraph(graph, {})
    for name, node in graph.model.nodes.items():
        if isinstance(node, Part):
            digraph.add_edge(node.joint, name)
        elif node.is_random or isinstance(node, Given):
            digraph.add_node(name)
            digraph.add_edges_from((used, name) for used in stochastic.parents(node.program, name))
    return digraph


def _nearest_given(digraph: nx.DiGraph[str], name: str, given: Iterable[str]) -> str:
    """Return the nearest given node among a node and its descendants; at least one is given."""
    distance = nx.single_source_shortest_path_length(digraph, name)
    return min((n for n in given if n in distance), key=distance.__getitem__)


def _check(graph: Graph, option: str, names: Sequence[str], before: Sequence[str]) -> None:
    source, start = Source(option, " ".join(names)), 0
    nodes = graph.model.nodes
    seen = set(before)
    for name in names:
        span = Span(source, start, start + len(name))
        start += len(name) + 1
        node = nodes.get(name)
        if node is None or not (node.is_variable or isinstance(node, Given)):
            raise Refusal(unknown(nodes, name, span))
        if name in seen:
            raise Refusal(diagnose("E1004", span, name=name))
        seen.add(name)
