"""What an objective promises to the code generator, checked; a breach is a bug of the compiler."""

from __future__ import annotations

from collections.abc import Iterator

from specc.objective.objective import Objective
from specc.objective.terms import Divergence, LogProb, Reduce, Sum, Term, leaves


def verify_objective(objective: Objective) -> None:
    """Every latent comes about in one way, and every term speaks of a density that there is.

    Raises AssertionError.
    """
    graph = objective.graph.graph
    for name, draw in objective.draws.items():
        assert draw.node == name and draw.reason, name
        node = graph.node((draw.program, name))
        assert node.is_drawn and node.entry is not None, name
        assert draw.kind != "pathwise" or node.entry.reparameterized, name
    sampled = any(draw.is_sampled for draw in objective.draws.values())
    assert objective.particles == 1 or sampled
    scored = {name for name, draw in objective.draws.items() if draw.kind == "score"}
    for player in objective.players:
        for _, term in leaves(player.minimize):
            if isinstance(term, LogProb):
                assert graph.node((term.program, term.node)).is_random, term
            else:
                assert isinstance(term, Divergence) and term.node in objective.draws, term
        assert {surrogate.node for surrogate in player.surrogates} <= scored
    assert set(objective.enumerated) == {
        name for name, draw in objective.draws.items() if draw.has_axis
    }
    for player in objective.players:
        for reduced in _log_sums(player.minimize):
            assert isinstance(reduced, Sum), reduced
            for part in reduced.parts:
                assert part.coefficient == 1.0, part
                assert isinstance(part.term, LogProb) or _is_chain(part.term), part


def _is_chain(term: Term) -> bool:
    return isinstance(term, Reduce) and term.how in ("forward", "integrate")


def _log_sums(term: Term) -> Iterator[Term]:
    """What stands inside the log of a sum over a latent."""
    match term:
        case Sum(parts=parts):
            for part in parts:
                yield from _log_sums(part.term)
        case Reduce(how="logsumexp" | "forward" | "integrate", term=inner):
            yield inner
            yield from _log_sums(inner)
        case Reduce(term=inner):
            yield from _log_sums(inner)
