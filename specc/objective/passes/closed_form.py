"""Closed forms: log q - log p of one node becomes KL(q || p) where its expectation is exact."""

from __future__ import annotations

from dataclasses import dataclass

from specc.graph.graph import GUIDE, MODEL, TypedGraph
from specc.objective.objective import Decision, Draw
from specc.objective.passes.values import Values
from specc.objective.terms import Divergence, LogProb, Part, Sum


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
    particles: int,
) -> tuple[Sum, list[Decision]]:
    """Replace -c log q(z) + c log p(z) by -c KL(q || p) for every node where that is legal.

    Legal: the expectation over z is all that separates the two (no log outside it), the catalog
    has the formula, no parameter of p(z | ...) is drawn after z, and the draw does not
    need log q at the sample.
    """
    decisions = []
    parts = list(inner.parts)
    for name, draw in draws.items():
        pair = _pair(parts, name)
        if pair is None or draw.program != GUIDE:
            continue
        verdict = _judge(typed, name, draw, values, reduction, particles)
        choice = "closed form" if verdict.legal else "from the sample"
        decisions.append(Decision(f"KL({name})", choice, verdict.reason))
        if verdict.legal:
            log_p, log_q = pair
            place = parts.index(log_q)
            parts[place] = Part(log_q.coefficient, Divergence(name))
            parts.remove(log_p)
    return Sum(tuple(parts)), decisions


def _pair(parts: list[Part], name: str) -> tuple[Part, Part] | None:
    """The parts c log p(name) and -c log q(name), if both are there."""
    log_p = next((p for p in parts if p.term == LogProb(MODEL, name)), None)
    log_q = next((p for p in parts if p.term == LogProb(GUIDE, name)), None)
    if log_p is None or log_q is None or log_p.coefficient != -log_q.coefficient:
        return None
    return log_p, log_q


def _judge(
    typed: TypedGraph, name: str, draw: Draw, values: Values, reduction: str, particles: int
) -> Verdict:
    p, q = typed.graph.node((MODEL, name)), typed.graph.node((GUIDE, name))
    assert p.entry is not None and q.entry is not None
    if reduction != "mean":
        return Verdict(False, "the bound is the log of a mean over particles")
    if p.entry.name not in q.entry.kl_with:
        return Verdict(False, f"{q.entry.name} and {p.entry.name} have no closed form")
    later = values.inputs(MODEL, name) & values.downstream(name)
    if later:
        shown = ", ".join(sorted(later))
        return Verdict(False, f"p({name} | ...) depends on {shown}, which is drawn after {name}")
    if draw.option == "sticking":
        return Verdict(False, "sticking the landing needs log q at the sample")
    if not any(typed.parameters[q.id, r.name] for r in q.entry.parameters) and p.sizes:
        return Verdict(False, "no parameter of the guide has the full shape")
    del particles
    return Verdict(True, f"{q.entry.name} and {p.entry.name}, exact")
