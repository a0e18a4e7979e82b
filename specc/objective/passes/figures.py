"""Which figures a program can give: a wrong `evaluate:` is refused before hours of training.

Where log p(x) is exact, it is what every figure gives. A bound takes the joint density of a row and
draws of all its latents from the guide.
"""

from __future__ import annotations

from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, MODEL, ROWS
from specc.language.schema.spec import Spans
from specc.objective.objective import Objective

SHOWN = "`specc evaluate RUN` still shows the parts of the loss"


def check_figures(objective: Objective, findings: Findings) -> None:
    """Find the figures of `evaluate:` that the program cannot give, each at its place."""
    spec = objective.graph.graph.spec
    for name, figure in spec.document.evaluate.items():
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
    """Where the estimator is written; where it is left out, the name of the figure."""
    written = ("evaluate", figure, "estimator")
    return spans.value(written) if written in spans else spans.key(("evaluate", figure))


def _refusal(objective: Objective, estimator: str) -> tuple[str, str] | None:
    """Why there is no such estimate, and what to do about it; None where there is one."""
    if objective.has_likelihood:
        return None
    for name in objective.draws:
        if ROWS not in objective.graph.types[MODEL, name].plates:
            problem = f"`{name}` belongs to all rows at once, so no row has a likelihood of its own"
            return problem, f"delete the figure; {SHOWN}"
    undrawn = next((n for n, d in objective.draws.items() if d.program != GUIDE), None)
    if undrawn is not None:
        problem = f"the guide draws other latents, but not `{undrawn}`, which is summed out"
        return problem, f"let the guide draw `{undrawn}`, too, or delete the figure; {SHOWN}"
    if estimator == "exact":
        problem = f"`{next(iter(objective.draws))}` is not summed out of the density"
        return problem, "write `iwae`, a bound by draws from the guide"
    return None
