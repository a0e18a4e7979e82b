"""Score-function gradients: each sampled node with the costs that it can influence, no others."""

from __future__ import annotations

from dataclasses import replace

from specc.graph.graph import GUIDE, MODEL
from specc.objective.objective import Decision, Draw, Surrogate
from specc.objective.passes.values import Values
from specc.objective.terms import Divergence, LogProb, Part, Reduce, Sum, Term


def find_surrogates(
    minimize: Sum, draws: dict[str, Draw], values: Values
) -> tuple[tuple[Surrogate, ...], list[Decision]]:
    """A surrogate for every score draw (Schulman et al. 2015, theorem 1).

    Under a mean over particles each term of the sum is a cost of its own; a log of a mean is one
    cost, which every node inside it influences.
    """
    surrogates, decisions = [], []
    costs = [cost for part in minimize.parts for cost in _costs(part)]
    for name, draw in draws.items():
        if draw.kind != "score":
            continue
        reach = values.downstream(name) | {name}
        kept = tuple(c for c in costs if _involves(c.term, values) & reach)
        dropped = tuple(c.term for c in costs if c not in kept)
        if not kept:
            continue
        surrogates.append(Surrogate(name, draw.option, kept, dropped))
        decisions.append(
            Decision(
                name,
                f"score gradient on {len(kept)} of {len(costs)} terms",
                "the others are not downstream of it" if dropped else "all are downstream of it",
            )
        )
    return tuple(surrogates), decisions


def _costs(part: Part) -> list[Part]:
    match part.term:
        case Reduce(how="mean", term=Sum(parts=parts)):
            return [replace(p, coefficient=part.coefficient * p.coefficient) for p in parts]
        case _:
            return [part]


def _involves(term: Term, values: Values) -> frozenset[str]:
    match term:
        case LogProb(program=program, node=node, rows="known"):
            return values.of_inputs(program, node)
        case LogProb(program=program, node=node):
            return values.of_density(program, node)
        case Divergence(node=node):
            inputs = values.inputs(MODEL, node) | values.inputs(GUIDE, node)
            return frozenset(v for v in inputs if v in values.drawn_in)
        case Sum(parts=parts):
            return frozenset().union(*(_involves(p.term, values) for p in parts))
        case Reduce(term=inner, axes=axes, how=how):
            weighing = frozenset(axes) if how == "weighted" else frozenset()
            own = _involves(inner, values) | weighing
            for axis in weighing:
                own |= values.of_density(GUIDE, axis)
            return own
