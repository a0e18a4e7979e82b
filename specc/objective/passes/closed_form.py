"""Closed forms: log q - log p of one node becomes KL(q || p) where its expectation is exact."""

from __future__ import annotations

from dataclasses import dataclass, replace

from specc.graph.graph import GUIDE, MODEL, TypedGraph
from specc.objective.objective import Decision, Draw
from specc.objective.passes.marginalize import Axes, summed
from specc.objective.passes.values import Values
from specc.objective.terms import Divergence, LogProb, Part, Sum, Term


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a divergence may stand for its two log-densities, and why."""

    legal: bool
    reason: str


def use_closed_forms(
    typed: TypedGraph,
    inner: Sum,
    draws: dict[str, Draw],
    values: Values,
    reduction: str,
) -> tuple[Sum, list[Decision]]:
    """Replace -c log q(z) + c log p(z) by -c KL(q || p) for every node where that is legal.

    Legal: the expectation over z is all that separates the two (no log outside it), the catalog
    has the formula, no parameter of p(z | ...) is drawn after z or summed out of the density,
    and the draw does not need log q at the sample.
    """
    decisions = []
    parts: dict[Term, Part] = {part.term: part for part in inner.parts}
    for name, draw in draws.items():
        log_p, log_q = parts.get(LogProb(MODEL, name)), parts.get(LogProb(GUIDE, name))
        if log_p is None or log_q is None or log_p.coefficient != -log_q.coefficient:
            continue
        assert log_p.weight == log_q.weight
        verdict = _judge(typed, draws, draw, values, reduction)
        choice = "closed form" if verdict.legal else "from the sample"
        decisions.append(Decision(f"KL({name})", choice, verdict.reason))
        if verdict.legal:
            parts[log_q.term] = replace(log_q, term=Divergence(name))
            del parts[log_p.term]
    return Sum(tuple(parts.values())), decisions


def _judge(
    typed: TypedGraph, draws: dict[str, Draw], draw: Draw, values: Values, reduction: str
) -> Verdict:
    name, axes = draw.node, Axes(draws, values)
    order = {drawn: place for place, drawn in enumerate(draws)}
    p, q = typed.graph.node((MODEL, name)), typed.graph.node((GUIDE, name))
    assert p.entry is not None and q.entry is not None
    if reduction != "mean":
        return Verdict(False, "the bound is the log of a mean over particles")
    if p.entry.name not in q.entry.kl_with:
        return Verdict(False, f"{q.entry.name} and {p.entry.name} have no closed form")
    later = {v for v in values.inputs(MODEL, name) if order.get(v, -1) > order[name]}
    if later and (later := later & values.downstream(name)):
        shown = ", ".join(sorted(later))
        return Verdict(False, f"p({name} | ...) depends on {shown}, which is drawn after {name}")
    if summed_in := sorted(axes.of_term(LogProb(MODEL, name)) & summed(draws)):
        shown = ", ".join(summed_in)
        return Verdict(False, f"p({name} | ...) is inside the log of the sum over {shown}")
    if draw.option == "sticking":
        return Verdict(False, "sticking the landing needs log q at the sample")
    if not any(typed.parameters[q.id, r.name] for r in q.entry.parameters) and p.sizes:
        return Verdict(False, "no parameter of the guide has the full shape")
    return Verdict(True, f"{q.entry.name} and {p.entry.name}, exact")
