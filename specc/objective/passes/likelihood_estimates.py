"""Checks that the program allows the estimates of log p(x) under `evaluate:`.

If log p(x) is exact, every estimator returns it. A bound needs the joint density of a row and draws
of all its latents from the guide. The check precedes training.
"""

from __future__ import annotations

from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, MODEL, ROWS
from specc.language.schema.spec import Spans
from specc.language.schema.train import Evaluation
from specc.objective.objective import Objective
from specc.objective.passes.energy_estimates import ANNEALED, energy_refusal
from specc.objective.passes.guide_coverage import drawn_latents
from specc.objective.passes.row_sources import densities_are_paired

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
    typed, latents = objective.graph, drawn_latents(objective.graph.graph)
    if typed.graph.programs[MODEL].energy is not None:
        return energy_refusal(typed, estimator)
    if not densities_are_paired(typed, MODEL):
        problem = "its densities are of rows of several sources, which are not paired"
        return problem, f"delete the metric; {SHOWN}"
    if objective.likelihood is not None or not latents:
        return None
    for name in latents:
        if ROWS not in typed.types[MODEL, name].plates:
            problem = f"`{name}` is shared by all rows, so a single row has no likelihood"
            return problem, f"delete the metric; {SHOWN}"
    if not any(draw.program == GUIDE for draw in objective.draws.values()):
        problem = "no loss draws the latents of the model, or sums over them"
        return problem, f"delete the metric; {SHOWN}"
    undrawn = next((name for name, program in latents.items() if program != GUIDE), None)
    if undrawn is not None:
        problem = f"the guide draws other latents, but not `{undrawn}`, which is summed out"
        return problem, f"let the guide draw `{undrawn}`, too, or delete the metric; {SHOWN}"
    if estimator == ANNEALED:
        problem = "it anneals the chains of an energy, and the program has none"
        return problem, "write `iwae`, a bound by draws from the guide"
    if estimator == "exact":
        problem = f"`{next(iter(objective.draws))}` is not summed out of the density"
        return problem, "write `iwae`, a bound by draws from the guide"
    return None
