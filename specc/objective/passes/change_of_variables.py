"""Densities through bijections: which way each is gone through, and what that costs."""

from __future__ import annotations

from specc.catalog.bijection import Bijection
from specc.graph.graph import Node, TypedGraph
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
        draw = draws.get(term.node)
        pushed = draw is not None and draw.kind == "pathwise" and draw.program == term.program
        way = "pushed from its draw" if pushed else "pulled back to its base"
        letter = "p" if term.program == "model" else "q"
        decisions.append(Decision(f"{letter}({node.name})", way, _reason(typed, node, pushed)))
    return decisions


def _reason(typed: TypedGraph, node: Node, pushed: bool) -> str:
    """What this way takes, where a bijection takes more than one pass for it."""
    costs = []
    for call in node.through:
        entry = typed.graph.links[call.function].entry
        assert isinstance(entry, Bijection)
        cost = entry.forward if pushed else entry.inverse
        costs += [f"{call.function} takes {cost}"] if cost else []
    known = "its log-determinant comes with it" if pushed else "with the log-determinant"
    return f"{known}; {', '.join(costs) or 'one pass'}"
