"""Checks that the program allows the estimates of log p(x) under `evaluate:`.

If log p(x) is exact, every estimator returns it. A bound needs the joint density of a row and draws
of all its latents from the guide. The check precedes training.
"""

from __future__ import annotations

from collections.abc import Mapping

from specc.catalog.registry import OBJECTIVES
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.blocks import below
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, MODEL, ROWS, TypedGraph
from specc.language.schema.spec import Spans
from specc.language.schema.train import Evaluation
from specc.objective.objective import Objective
from specc.objective.passes.energy_densities import unnormalized_joint
from specc.objective.passes.energy_estimates import (
    ANNEALED,
    differs_between_rows,
    energy_refusal,
)
from specc.objective.passes.guide_coverage import drawn_latents
from specc.objective.passes.row_sources import densities_are_paired
from specc.objective.passes.stochastic_graph import StochasticGraph
from specc.objective.terms import Leaf

SHOWN = "`specc evaluate RUN` still shows the terms of the loss"


def check_likelihood_estimates(objective: Objective, findings: Findings) -> None:
    """Report each estimate under `evaluate:` that the program does not allow (E0813)."""
    spec = objective.graph.graph.spec
    for name, figure in spec.document.evaluate.items():
        if not isinstance(figure, Evaluation):
            continue
        refusal = _refusal(objective, figure.estimator)
        if refusal is None:
            continue
        problem, hint = refusal
        found = diagnose(
            "E0813",
            _place(spec.spans, name),
            name=spec.document.name,
            estimator=figure.estimator,
            problem=problem,
            hint=hint,
        )
        findings.add(found)


def _place(spans: Spans, figure: str) -> Span:
    """Return the position of the estimator, or of the entry's name if no estimator is given."""
    written = ("evaluate", figure, "estimator")
    return spans.value(written) if written in spans else spans.key(("evaluate", figure))


def _refusal(objective: Objective, estimator: str) -> tuple[str, str] | None:
    """Return why an estimate is not allowed, and a hint; None if it is allowed."""
    typed, latents = objective.graph, _drawn(objective)
    if below(typed.graph.model):
        return _above(objective, estimator)
    if typed.graph.programs[MODEL].energy is not None:
        if objective.likelihood is not None and estimator != ANNEALED:
            return None
        return energy_refusal(typed, estimator)
    if not densities_are_paired(typed, MODEL):
        problem = "its densities are of rows of several sources, which are not paired"
        return problem, f"delete the metric; {SHOWN}"
    if objective.likelihood is not None or not latents:
        return None
    shared = [n for n, own in latents.items() if ROWS not in typed.types[own, n].plates]
    if len(shared) == len(latents) and all(latents[name] == GUIDE for name in shared):
        return None
    for name in shared:
        if latents[name] != GUIDE:
            problem = f"`{name}` is shared by all rows, so a single row has no likelihood"
            return problem, f"delete the metric; {SHOWN}"
    coupled = objective.coupled
    if coupled and _weighs_rows(estimator):
        problem = (
            f"rows share `{coupled[0]}`, which is summed out, so no row has a weight of its own"
        )
        return problem, "write `elbo`, a bound for all rows together"
    if objective.joint is not None and MODEL in latents.values():
        problem = "a chain draws latents of the rows, whose density is not known"
        of_chain = (problem, "write `estimator: ais`, which anneals the latents of each row")
        return _not_annealed(typed, latents) if estimator == ANNEALED else of_chain
    if not any(draw.program == GUIDE for draw in objective.draws.values()):
        if estimator == ANNEALED:
            return _not_annealed(typed, latents)
        problem = "no loss draws the latents of the model, or sums over them"
        return problem, f"delete the metric; {SHOWN}"
    undrawn = next((name for name, program in latents.items() if program != GUIDE), None)
    if undrawn is not None:
        problem = f"the guide draws other latents, but not `{undrawn}`, which is summed out"
        return problem, f"let the guide draw `{undrawn}`, too, or delete the metric; {SHOWN}"
    drawn = {name for name, draw in objective.draws.items() if draw.program == GUIDE}
    if drawn.isdisjoint(latents.keys() - shared) or not drawn.issuperset(shared):
        problem = "no loss draws the latents of the rows from the guide"
        return problem, f"delete the metric; {SHOWN}"
    if estimator == ANNEALED:
        return _not_annealed(typed, latents)
    if estimator == "exact":
        problem = f"`{next(iter(objective.draws))}` is not summed out of the density"
        return problem, "write `iwae`, a bound by draws from the guide"
    return None


def _weighs_rows(estimator: str) -> bool:
    """Whether an estimate is a log of a mean of weights, or of chains, for each row."""
    is_log = estimator in OBJECTIVES and OBJECTIVES[estimator].reduction == "logmeanexp"
    return is_log or estimator == ANNEALED


def _drawn(objective: Objective) -> dict[str, str]:
    """Return the latents of the joint density: all but those that are summed out of it."""
    found, draws = drawn_latents(objective.graph.graph), objective.draws
    if objective.joint is None:
        return found
    summed = {name for name, draw in draws.items() if draw.has_axis and draw.program == MODEL}
    return {name: own for name, own in found.items() if name not in summed}


def _above(objective: Objective, estimator: str) -> tuple[str, str] | None:
    """Return why there is no bound for a directed net below an energy, and a hint."""
    typed, joint = objective.graph, unnormalized_joint(objective.graph.graph)
    if joint is None:
        reason = "the units that the energy alone depends on have no closed sum"
        return reason, "let the guide draw them, too"
    drawn = StochasticGraph(typed.graph, drawn_latents(typed.graph))
    wanted = {
        n for part in joint.parts if isinstance(part.term, Leaf) for n in drawn.of_leaf(part.term)
    }
    undrawn = [n for n in wanted if n not in objective.draws or objective.draws[n].program != GUIDE]
    if undrawn:
        return f"the guide does not draw `{sorted(undrawn)[0]}` in any loss", "let it draw it"
    if estimator in ("exact", ANNEALED):
        return "log p of a row is a sum over its latents", "write `iwae`, a bound by the guide"
    differs = differs_between_rows(typed, typed.graph.programs[MODEL])
    if differs is not None:
        return differs, f"delete the metric; {SHOWN}"
    return energy_refusal(typed, ANNEALED)


def _not_annealed(typed: TypedGraph, latents: Mapping[str, str]) -> tuple[str, str] | None:
    """Return why chains over the latents of a row are not possible, and a hint."""
    hint = "write `iwae`, a bound by draws from the guide"
    for name in latents:
        kind = typed.types[MODEL, name]
        if ROWS not in kind.plates:
            return f"`{name}` is shared by all rows", hint
        if typed.graph.model.nodes[name].role == "observed":
            return f"`{name}` has no value in some rows", hint
        if kind.support.discrete:
            reason = f"it moves the latents by gradients, and `{name}` has no continuous values"
            return reason, hint
    return ("its rows are sequences", hint) if typed.graph.scans else None
