"""Score-function gradients: each sampled node with the costs that depend on it."""

from __future__ import annotations

from msgspec.structs import replace

from specc.objective.objective import Decision, Draw, State, Surrogate
from specc.objective.passes.stochastic_graph import StochasticGraph
from specc.objective.terms import Detach, How, Leaf, LogProb, Part, Reduce, Sum, Term, fold


def find_surrogates(
    minimize: Sum, draws: dict[str, Draw], stochastic: StochasticGraph
) -> tuple[tuple[Surrogate, ...], list[Decision]]:
    """Return a surrogate for every score draw (Schulman et al. 2015, theorem 1).

    Under a mean over particles each term of the sum is a separate cost; a log of a mean is a single
    cost, which depends on every node inside it.
    """
    surrogates, decisions = [], []
    costs = [cost for part in minimize.parts for cost in _costs(part)]
    for name, draw in draws.items():
        if not draw.entry.score_function:
            continue
        reach = stochastic.descendants(name) | {name}
        downstream = tuple(c for c in costs if drawn_behind(c.term, stochastic) & reach)
        dropped = tuple(c.term for c in costs if c not in downstream)
        if not downstream:
            continue
        if draw.baseline:
            decisions.append(
                Decision(
                    name,
                    f"minus `{draw.baseline}` and a running mean",
                    "trained by the squared error; the rest has a running scale",
                )
            )
        surrogates.append(Surrogate(name, draw.option, downstream, dropped))
        decisions.append(
            Decision(
                name,
                f"score gradient on {len(downstream)} of {len(costs)} terms",
                "the others are not downstream of it" if dropped else "all are downstream of it",
            )
        )
    return tuple(surrogates), decisions


def states(
    surrogates: tuple[Surrogate, ...], draws: dict[str, Draw], reduction: How
) -> tuple[State, ...]:
    """Return the running means: those of each node, or of one node for a log of a mean."""
    running = [s.node for s in surrogates if draws[s.node].variant.running]
    shared = running[:1] if reduction == "logmeanexp" else running
    named = (name for node in shared for name in state_names(draws[node]) if name)
    return tuple(State(name, (), 0.0) for name in named)


def state_names(draw: Draw) -> tuple[str, str]:
    """Return the names of the running mean and of the running square; empty for none."""
    if draw.variant.scale:
        return f"{draw.node}_mean", f"{draw.node}_square"
    return f"{draw.node}_baseline", ""


def _costs(part: Part) -> list[Part]:
    term = part.term
    if isinstance(term, Reduce) and term.how == "mean" and isinstance(term.term, Sum):
        parts = term.term.parts
        return [replace(p, coefficient=part.coefficient * p.coefficient) for p in parts]
    return [part]


def drawn_behind(term: Term, stochastic: StochasticGraph) -> frozenset[str]:
    """Return the draws that a term depends on, including the probabilities that weight it."""

    def combine(term: Term, inside: tuple[frozenset[str], ...]) -> frozenset[str]:
        if isinstance(term, Leaf):
            return stochastic.of_leaf(term)
        if isinstance(term, Detach):
            return frozenset()
        found = frozenset[str]().union(*inside)
        if isinstance(term, Reduce) and term.how == "weighted":
            weights = (LogProb(stochastic.drawn_in[axis], axis) for axis in term.axes)
            found = found.union(*map(stochastic.of_leaf, weights))
        return found

    return fold(term, combine)
