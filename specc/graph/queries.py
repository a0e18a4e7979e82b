"""What passes over the graph and the stages after it ask of a graph, a node and its links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specc.catalog.causal import Causal
from specc.catalog.entry import Alternative, Distribution, Parameter
from specc.catalog.link import Link
from specc.graph.graph import GUIDE, MODEL, Graph, LinkNode, Program
from specc.graph.nodes import Lagged, Node
from specc.language.expressions.tree import Call, Expression, Name

if TYPE_CHECKING:
    import networkx as nx


def parameter_of(entry: Distribution, key: str) -> tuple[Parameter, Alternative | None]:
    """The parameter that `key` gives, and the alternative by which it does so."""
    alternative = next((a for a in entry.alternatives if a.name == key), None)
    name = alternative.replaces if alternative else key
    return next(p for p in entry.parameters if p.name == name), alternative


def takes(entry: Distribution, key: str) -> bool:
    """Whether the distribution has a parameter, or another way to give one, of that name."""
    known = {p.name for p in entry.parameters} | {a.name for a in entry.alternatives}
    return key in known


def is_data(node: Node) -> bool:
    """Whether the value of a node is in the data: it is observed, also as a part, or given."""
    return node.role in ("observed", "given")


def is_autoregressive(graph: Graph, node: Node, call: Call) -> bool:
    """Whether a causal link is applied to the random node that it belongs to: `made(x)` in x."""
    link = graph.links.get(call.function)
    if link is None or not isinstance(link.entry, Causal) or not call.arguments:
        return False
    first = call.arguments[0]
    return node.is_random and isinstance(first, Name) and first.id == node.name


def plated(graph: Graph, program: str, base: Expression) -> Node | None:
    """The node on a plate whose element the first index of `base` picks, or None."""
    found = graph.lookup(program, base.id) if isinstance(base, Name) else None
    return found if found is not None and found.plate is not None else None


def input_rank(link: LinkNode) -> int:
    """How many axes the input of a link has; a vector is what its arguments are joined to."""
    return link.entry.input_rank(link.options) if isinstance(link.entry, Link) else 1


def name_in_model(node: Node) -> str:
    """The name in the model of a node that the guide computes anew; empty for all others."""
    prefix = f"{MODEL}."
    is_copy = node.program == GUIDE and node.name.startswith(prefix)
    return node.name.removeprefix(prefix) if is_copy else ""


def in_time(program: Program) -> nx.DiGraph[str]:
    """The program's graph with the edges that run from one step to the next."""
    digraph = program.digraph.copy()
    for node in program.nodes.values():
        if isinstance(node, Lagged) and node.shift.base in program.nodes:
            digraph.add_edge(node.shift.base, node.name)
    return digraph
