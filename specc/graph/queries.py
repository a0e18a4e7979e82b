"""Properties of graphs, nodes and links that both the passes and later stages need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeGuard

from specc.catalog.bijection import Bijection
from specc.catalog.causal import Causal
from specc.catalog.entry import Alternative, Distribution, Parameter
from specc.catalog.link import Link, LinkOptions
from specc.graph.graph import GUIDE, MODEL, Graph, LinkNode, Program
from specc.graph.nodes import Derived, Deterministic, Lagged, Latent, Node, NodeId
from specc.language.expressions.tree import Call, Expression, Name, Negate, Number
from specc.language.expressions.walk import names

if TYPE_CHECKING:
    import networkx as nx

    from specc.catalog.registry import Kind


def parameter_of(entry: Distribution, key: str) -> tuple[Parameter, Alternative | None]:
    """The parameter that `key` sets, and the alternative (`probs` for `logits`) if `key` is one."""
    return entry.keys[key]


def has_parameter(entry: Distribution, key: str) -> bool:
    """Whether `key` is a parameter of the distribution or an alternative for one."""
    return key in entry.keys


def is_data(node: Node) -> bool:
    """Whether the value of a node is in the data: an observed node or part, or a given node."""
    return node.role in ("observed", "given")


def is_derived(graph: Graph, node: Node) -> bool:
    """Whether the expressions of a node follow from the energy of its program."""
    program = graph.programs[node.program]
    is_sum = program.energy is not None and isinstance(node, Derived)
    return is_sum or node.name in program.units


def is_literal(expression: Expression) -> bool:
    """Whether an expression is a number as it is written, `1` or `-1`."""
    inner = expression.operand if isinstance(expression, Negate) else expression
    return isinstance(inner, Number)


def is_affine(link: LinkNode) -> bool:
    """Whether a link is f(x) = W x + b, so that it has a transpose."""
    return isinstance(link.entry, Link) and link.entry.affine(link.options)


def is_bijection(entry: Kind) -> TypeGuard[Bijection[LinkOptions]]:
    """Whether a link is a bijection."""
    return isinstance(entry, Bijection)


def is_autoregressive(graph: Graph, node: Node, call: Call) -> bool:
    """Whether `call` applies a causal link to the node itself, as in `x: {logits: made(x)}`."""
    link = graph.links.get(call.function)
    if link is None or not isinstance(link.entry, Causal) or not call.arguments:
        return False
    first = call.arguments[0]
    return node.is_random and isinstance(first, Name) and first.id == node.name


def plate_node(graph: Graph, program: str, base: Expression) -> Node | None:
    """The node on a plate that `base` names (its first index selects an element), or None."""
    found = graph.lookup(program, base.id) if isinstance(base, Name) else None
    return found if found is not None and found.plate is not None else None


def lets_behind(
    graph: Graph,
    program: str,
    expression: Expression,
    is_wanted: Callable[[Deterministic], bool],
    used: Callable[[Expression], Iterable[Name]] = names,
) -> Iterator[Deterministic]:
    """The deterministic nodes that an expression uses, each after those that it uses itself.

    Nodes that are not wanted, and those that they alone use, are left out; `used` are the names of
    an expression that count. A chain of nodes may be longer than the recursion limit, so the nodes
    whose names are being visited are on a stack.
    """
    seen: set[NodeId] = set()
    stack: list[_Visit] = [(None, program, iter(used(expression)))]
    while stack:
        node, inside, rest = stack[-1]
        name = next(rest, None)
        if name is not None:
            found = graph.lookup(inside, name.id)
            if not isinstance(found, Deterministic) or found.id in seen:
                continue
            if is_wanted(found):
                seen.add(found.id)
                stack.append((found, found.program, iter(used(found.value))))
            continue
        stack.pop()
        if node is not None:
            yield node


_Visit = tuple[Deterministic | None, str, Iterator[Name]]
"""A node (None for the expression itself), its program, and the names that are not visited yet."""


def input_rank(link: LinkNode) -> int:
    """The number of axes of a link's input: 1 for the vector of all arguments, 3 for an image."""
    return link.entry.input_rank(link.options) if isinstance(link.entry, Link) else 1


def name_in_model(node: Node) -> str:
    """The name in the model of a node copied to the guide, `h` of `model.h`; "" for other nodes."""
    prefix = f"{MODEL}."
    is_copy = node.program == GUIDE and node.name.startswith(prefix)
    return node.name.removeprefix(prefix) if is_copy else ""


def with_lagged_edges(program: Program) -> nx.DiGraph[str]:
    """A copy of the program's graph with the edges from each node to its lagged nodes."""
    digraph = program.digraph.copy()
    for node in program.nodes.values():
        if isinstance(node, Lagged) and node.shift.source in program.nodes:
            digraph.add_edge(node.shift.source, node.name)
    return digraph


def random_starts(graph: Graph) -> dict[str, Lagged]:
    """The latents before the first step of a latent sequence, with the lagged node of each.

    They are in the expression of `initial:`, or behind deterministic nodes in it.
    """
    nodes, found = graph.model.nodes, dict[str, Lagged]()
    for lagged in nodes.values():
        if not isinstance(lagged, Lagged) or lagged.shift.nearer:
            continue
        if not isinstance(nodes.get(lagged.shift.base), Latent):
            continue
        lets = lets_behind(graph, MODEL, lagged.initial, lambda node: True)
        for name in (n.id for e in (lagged.initial, *(v.value for v in lets)) for n in names(e)):
            if isinstance(nodes.get(name), Latent) and nodes[name].scan is None:
                found.setdefault(name, lagged)
    return found
