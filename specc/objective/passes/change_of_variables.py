"""Decisions about densities through bijections, and autoregressive densities."""

from __future__ import annotations

from collections.abc import Mapping

from specc.catalog.bijection import Bijection
from specc.catalog.causal import Causal
from specc.graph.graph import TypedGraph
from specc.graph.nodes import Node
from specc.graph.queries import is_autoregressive
from specc.language.expressions.walk import calls
from specc.objective.objective import Decision, Draw
from specc.objective.terms import LogProb, Sum, densities_in


def bijection_decisions(typed: TypedGraph, minimize: Sum, draws: dict[str, Draw]) -> list[Decision]:
    """Return a decision for each density of the objective that goes through bijections.

    If the node is drawn, the forward map gives the log-determinant at its base draw; other values
    are inverted: log p(x) = log p(u) + log |det du/dx|.
    """
    decisions = []
    for term in dict.fromkeys(term for _, term in densities_in(minimize)):
        if not isinstance(term, LogProb):
            continue
        node = typed.graph.node((term.program, term.node))
        if not node.through:
            continue
        forward = is_forward(node, draws)
        way = "forward from its base draw" if forward else "inverse to its base draw"
        letter = "p" if term.program == "model" else "q"
        decisions.append(Decision(f"{letter}({node.name})", way, _reason(typed, node, forward)))
    return decisions


def is_forward(node: Node, draws: Mapping[str, Draw]) -> bool:
    """Whether the density of a node through bijections is evaluated at its own base draw."""
    draw = draws.get(node.name)
    return draw is not None and draw.is_pathwise and draw.program == node.program


def autoregressive_decisions(typed: TypedGraph, minimize: Sum) -> list[Decision]:
    """Return a decision for each autoregressive density, prod_i p(x_i | x_1, ..., x_{i-1})."""
    decisions = []
    for term in dict.fromkeys(term for _, term in densities_in(minimize)):
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
            cost = (
                "computes each step once"
                if link.entry.remembers
                else "takes one pass for each entry"
            )
            reason = f"{call.function} is causal; a draw {cost}"
            decisions.append(Decision(f"{letter}({node.name})", way, reason))
    return decisions


def _reason(typed: TypedGraph, node: Node, forward: bool) -> str:
    """Return the cost of this direction of the bijections, if it is more than one pass."""
    costs = []
    for call in node.through:
        link = typed.graph.links[call.function]
        assert isinstance(link.entry, Bijection)
        cost = link.entry.cost(link.options, is_forward=forward)
        costs += [f"{call.function} takes {cost}"] if cost else []
    known = "its log-determinant comes with it" if forward else "with the log-determinant"
    return f"{known}; {', '.join(costs) or 'one pass'}"
