"""Densities that are not a distribution's alone: through bijections, or entry by entry."""

from __future__ import annotations

from collections.abc import Mapping

from specc.catalog.bijection import Bijection
from specc.catalog.causal import Causal
from specc.graph.graph import Node, TypedGraph
from specc.graph.passes.names import is_autoregressive
from specc.language.expressions.walk import calls
from specc.objective.objective import Decision, Draw
from specc.objective.terms import LogProb, Sum, leaves


def bijections_taken(typed: TypedGraph, minimize: Sum, draws: dict[str, Draw]) -> list[Decision]:
    """A decision for each density of the objective that goes through bijections.

    A node that is drawn keeps its base draw, whose log-determinant comes with the push; any other
    value is pulled back: log p(x) = log p(u) + log |det du/dx|.
    """
    decisions = []
    for term in dict.fromkeys(term for _, term in leaves(minimize)):
        if not isinstance(term, LogProb):
            continue
        node = typed.graph.node((term.program, term.node))
        if not node.through:
            continue
        pushed = is_pushed(node, draws)
        way = "pushed from its draw" if pushed else "pulled back to its base"
        letter = "p" if term.program == "model" else "q"
        decisions.append(Decision(f"{letter}({node.name})", way, _reason(typed, node, pushed)))
    return decisions


def is_pushed(node: Node, draws: Mapping[str, Draw]) -> bool:
    """Whether the density of a node through bijections is that of its own draw, as it is pushed."""
    draw = draws.get(node.name)
    return draw is not None and draw.kind == "pathwise" and draw.program == node.program


def entries_in_order(typed: TypedGraph, minimize: Sum) -> list[Decision]:
    """A decision for each density that is a product over its entries: p(x_i | the x before i)."""
    decisions = []
    for term in dict.fromkeys(term for _, term in leaves(minimize)):
        if not isinstance(term, LogProb):
            continue
        node = typed.graph.node((term.program, term.node))
        used = [c for e in node.own_expressions() for c in calls(e)]
        for call in (c for c in used if is_autoregressive(typed.graph, node, c)):
            letter = "p" if term.program == "model" else "q"
            link = typed.graph.links[call.function]
            assert isinstance(link.entry, Causal)
            members = link.entry.members(link.options)
            way = "entry by entry" + (f", the mean of {members} orders" if members > 1 else "")
            reason = f"{call.function} is causal; a draw takes one pass for each entry"
            decisions.append(Decision(f"{letter}({node.name})", way, reason))
    return decisions


def _reason(typed: TypedGraph, node: Node, pushed: bool) -> str:
    """What this way takes, where a bijection takes more than one pass for it."""
    costs = []
    for call in node.through:
        link = typed.graph.links[call.function]
        assert isinstance(link.entry, Bijection)
        cost = link.entry.cost(link.options, pushed=pushed)
        costs += [f"{call.function} takes {cost}"] if cost else []
    known = "its log-determinant comes with it" if pushed else "with the log-determinant"
    return f"{known}; {', '.join(costs) or 'one pass'}"
