"""Verifies the invariants of an objective; a violation is a bug of the compiler."""

from __future__ import annotations

from collections.abc import Iterator

from specc.graph.graph import Graph
from specc.language.expressions.tree import Number
from specc.objective.objective import Objective, Player
from specc.objective.terms import (
    PARTICLE,
    Apply,
    Divergence,
    Energy,
    LogProb,
    Reduce,
    Sum,
    Term,
    Value,
    value_node,
    walk,
)


def verify_objective(objective: Objective) -> None:
    """Verify that draws and terms refer to nodes of the right kind.

    Raises AssertionError.
    """
    graph = objective.graph.graph
    names = [player.name for player in objective.players]
    assert names and len(set(names)) == len(names), names
    staged = [name for stage in objective.stages for name in stage.players]
    assert not objective.stages or staged == names, staged
    for player in objective.players:
        _verify_draws(graph, player)
        _verify_terms(graph, player)


def _verify_draws(graph: Graph, player: Player) -> None:
    for name, draw in player.draws.items():
        assert draw.node == name and draw.reason, name
        node = graph.node((draw.program, name))
        assert (node.is_drawn or node.parts) and node.entry is not None, name
        assert not draw.entry.needs_reparameterized or node.entry.reparameterized, name
    assert player.particles == 1 or any(draw.is_sampled for draw in player.draws.values())
    scored = {name for name, draw in player.draws.items() if draw.entry.score_function}
    assert {surrogate.node for surrogate in player.surrogates} <= scored


def _verify_terms(graph: Graph, player: Player) -> None:
    assert player.bound.axes == (PARTICLE,), player.bound
    for term in walk(player.minimize):
        match term:
            case LogProb(program=program, node=node):
                assert graph.node((program, node)).is_random, term
            case Divergence(node=node):
                assert node in player.draws, term
            case Energy(program=program, node=node):
                assert node in graph.programs[program].nodes, term
            case Value(expression=expression):
                known = isinstance(expression, Number) or graph.node(value_node(expression))
                assert known, term
            case Apply(op=op, terms=terms):
                assert op in ("*", "/", "**") or graph.functions[op].elementwise, term
                assert terms or graph.functions[op].scalar, term
    for reduced in _log_sums(player.minimize):
        assert isinstance(reduced, Sum), reduced
        for part in reduced.parts:
            assert part.coefficient == 1.0, part
            assert isinstance(part.term, LogProb) or _is_log_sum(part.term), part


SUMS = ("logsumexp", "elements", "forward", "integrate")
"""The reductions that are the log of a sum over values of latents."""


def _is_log_sum(term: Term) -> bool:
    return isinstance(term, Reduce) and term.how in SUMS


def _log_sums(term: Term) -> Iterator[Term]:
    """Yield the terms inside the log of a sum over a latent."""
    for found in walk(term):
        if _is_log_sum(found):
            assert isinstance(found, Reduce)
            yield found.term
