"""The units of an energy: the random nodes whose joint density is exp(-E) / Z.

All other random nodes of its program are drawn given their parents, as in a directed program. Such
a node has arguments of its own, and the energy does not depend on it. Units that are observed, or
that those nodes depend on, are *visible*; the hidden units can be summed out of the energy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from specc.graph.nodes import Deterministic, EnergyNode, Latent, Node, Observed
from specc.language.expressions.tree import Expression
from specc.language.expressions.walk import names

Nodes = Mapping[str, Node]


def with_units(nodes: Nodes, energy: EnergyNode) -> dict[str, Node]:
    """The nodes, with the names of units and of visible units in the energy."""
    behind = read_by(nodes, energy.expressions())
    random = {n: v for n, v in nodes.items() if isinstance(v, (Latent, Observed))}
    below = [n for n, v in random.items() if n not in behind and _has_parents(v)]
    read = read_by(nodes, (e for name in below for e in nodes[name].expressions()))
    units = tuple(name for name in random if name not in below)
    visible = tuple(n for n in units if isinstance(nodes[n], Observed) or n in read)
    return {**nodes, energy.name: replace(energy, units=units, visible=visible)}


def read_by(nodes: Nodes, expressions: Iterable[Expression]) -> set[str]:
    """The names that expressions depend on, directly or through deterministic nodes."""
    seen: set[str] = set()
    stack = list(expressions)
    while stack:
        for each in names(stack.pop()):
            inner = nodes.get(each.id)
            if each.id not in seen:
                seen.add(each.id)
                stack += inner.expressions() if isinstance(inner, Deterministic) else ()
    return seen


def _has_parents(node: Latent | Observed) -> bool:
    """Whether a node has arguments that an energy would give it otherwise."""
    conditional = node.entry.conditional
    if conditional is None or node.params is not None:
        return bool(node.arguments) or node.params is not None
    alike = {a.name for a in node.entry.alternatives if a.replaces in conditional.arguments}
    return any(key in conditional.arguments or key in alike for key in node.arguments)
