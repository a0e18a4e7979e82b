"""The faithful inverse of a model's graph: what the guide of each latent has to depend on.

Latents are eliminated one after the other from the moral graph of the model, in a topological order
of the model. The inputs of the guide of a latent are its neighbours when it is eliminated: later
latents, and data. The inverse has no independence that the model lacks, and no edge can be removed
from it (Webb, Golinski, Zinkov, Siddharth, Rainforth, Teh and Wood 2018, Faithful inversion of
generative models for effective amortized inference, algorithm 1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import networkx as nx

from specc.graph.graph import MODEL, Graph
from specc.graph.nodes import Node, Part

if TYPE_CHECKING:
    DiGraph = nx.DiGraph[str]


def faithful_inverse(
    dependence: DiGraph,
    latents: Collection[str],
    before: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> dict[str, tuple[str, ...]]:
    """The inputs of the guide of each latent, in the order of elimination: roots come first.

    `dependence` has an edge from each parent to each child, of latents and data. Among latents
    that may come next, the one is taken whose elimination adds the fewest edges. Those `before` a
    latent, which give the ends of its support, are drawn before it, and so eliminated after it.
    """

    def waits(name: str) -> bool:
        parents = (p for p in dependence.predecessors(name) if p not in before.get(name, ()))
        return any(p in left for p in parents) or any(name in before.get(n, ()) for n in left)

    order = {name: place for place, name in enumerate(dependence)}
    moral: nx.Graph[str] = nx.Graph(nx.moral_graph(dependence))
    left, inverse = dict.fromkeys(n for n in order if n in latents), dict[str, tuple[str, ...]]()
    while left:
        bounds = [n for n in left if not any(n in before.get(other, ()) for other in left)]
        ready = [n for n in left if not waits(n)] or bounds
        name = min(ready, key=lambda n: (_fill(moral, n), order[n]))
        neighbours = sorted(moral.neighbors(name), key=order.__getitem__)
        moral.add_edges_from((a, b) for a in neighbours for b in neighbours if order[a] < order[b])
        moral.remove_node(name)
        inverse[name] = tuple(neighbours)
        del left[name]
    return inverse


def _fill(moral: nx.Graph[str], name: str) -> int:
    """The number of edges that the elimination of a node adds."""
    neighbours = list(moral.neighbors(name))
    present = moral.subgraph(neighbours).number_of_edges()
    return len(neighbours) * (len(neighbours) - 1) // 2 - present


def nearest(dependence: DiGraph, name: str, inputs: Iterable[str], most: int) -> tuple[str, ...]:
    """At most `most` inputs of a latent, those that are nearest to it in the model."""
    distance = nx.single_source_shortest_path_length(dependence.to_undirected(as_view=True), name)
    ranked = sorted(inputs, key=lambda each: distance.get(each, len(distance)))[:most]
    return tuple(each for each in inputs if each in ranked)


def dependence_of_rows(graph: Graph) -> DiGraph:
    """The latents and data that have a value for each row, with edges to what depends on them.

    Deterministic nodes are replaced by what they depend on. The parts of a joint draw depend on
    each other in their order.
    """
    nodes = graph.model.nodes
    found: nx.DiGraph[str] = nx.DiGraph()
    for name in graph.model.order:
        node = nodes[name]
        if not _is_of_rows(node):
            continue
        found.add_node(name)
        used = _values_behind(graph, node)
        if isinstance(node, Part):
            parts = nodes[node.joint].parts
            used += [*parts[: parts.index(name)], *_values_behind(graph, nodes[node.joint])]
        found.add_edges_from((each, name) for each in used if each != name)
    return found


def _is_of_rows(node: Node) -> bool:
    """Whether a node is a variable or a given value of each row."""
    shared = node.is_global or (node.plate is not None)
    return not shared and not node.parts and (node.is_variable or node.role == "given")


def _values_behind(graph: Graph, node: Node) -> list[str]:
    """The variables and given values of rows that a node depends on through computed nodes."""
    nodes, digraph = graph.programs[MODEL].nodes, graph.programs[MODEL].digraph
    found: dict[str, None] = {}
    seen, stack = {node.name}, [node.name]
    while stack:
        for used in digraph.predecessors(stack.pop()):
            own = nodes[used]
            if used in seen:
                continue
            seen.add(used)
            if own.parts and node.name not in own.parts:
                found |= dict.fromkeys(own.parts)
            elif _is_of_rows(own):
                found[used] = None
            elif own.role in ("let", "shift"):
                stack.append(used)
    return list(found)
