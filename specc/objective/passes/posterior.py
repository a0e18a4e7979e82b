"""The log-posterior that a sampler draws from, in place of an objective."""

from __future__ import annotations

from specc.catalog.bijection import Bijection
from specc.catalog.objective import Draw as DrawEntry
from specc.catalog.objective import Objective as Entry
from specc.catalog.registry import SAMPLERS
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.graph import MODEL, Graph
from specc.language.schema.prior import LINKS
from specc.language.schema.sampler import SamplerSpec
from specc.objective.passes.bounds import Expansion, bound_terms

POSTERIOR = Entry(
    name="posterior",
    title="log-posterior of unconstrained numbers",
    summary="The log-density of the data and of the global latents, which chains sample from.",
    formula="log p(x | w) + log p(w) + log |det dw/du|, up to a constant",
    references=(),
    example="",
    guided=False,
    variable="log_posterior",
    points=True,
    unconstrained=True,
)
"""The objective of a spec with a sampler, which no spec asks for by name."""

SAMPLED = DrawEntry(
    name="chain",
    summary="The state of a Markov chain whose stationary distribution is the posterior.",
    formula="w = f(u), with u moved by the sampler",
    references=(),
    example="",
    point=True,
)
"""The draw of a latent by a sampler."""


def posterior(graph: Graph, sampler: SamplerSpec, findings: Findings) -> Expansion | None:
    """Return the terms of the log-posterior.

    Report a guide (E0481), an objective beside the sampler (E0482), an energy (E0276), parameters
    and links without a prior (E0480), settings of updates (W0432), and a short warm-up (W0499).
    """
    spec, found = graph.spec, False
    span = spec.spans.key(("sampler",))
    if graph.model.energy is not None:
        findings.add(diagnose("E0276", span, objective=sampler.name))
        return None
    if spec.document.guide is not None:
        findings.add(diagnose("E0481", spec.spans.key(("guide",)), sampler=sampler.name))
        found = True
    if spec.document.objective is not None:
        place = spec.spans.key(("objective",))
        findings.add(diagnose("E0482", place, sampler=sampler.name))
        found = True
    for name, place in _without_prior(graph):
        findings.add(diagnose("E0480", place, sampler=sampler.name, name=name))
        found = True
    _report_idle(graph, sampler, findings)
    entry = SAMPLERS[sampler.name]
    _report_warm_up(graph, sampler, findings)
    if found:
        return None
    return Expansion(POSTERIOR, 1, bound_terms(graph, POSTERIOR), span, sampler=entry.name)


def _report_warm_up(graph: Graph, sampler: SamplerSpec, findings: Findings) -> None:
    """Warn about a warm-up in which the sampler cannot adapt (W0499)."""
    spans, path = graph.spec.spans, ("sampler", sampler.name, "warmup")
    given, fewest = sampler.options["warmup"], SAMPLERS[sampler.name].fewest_warmup
    if given < fewest and path in spans:
        span = spans.value(path)
        found = diagnose("W0499", span, sampler=sampler.name, count=str(given), fewest=str(fewest))
        findings.add(found)


OF_UPDATES = (
    "optimizer",
    "schedule",
    "batch_size",
    "epochs",
    "steps",
    "clip",
    "accumulate",
    "ema",
    "early_stopping",
    "validate_every",
)
"""The settings of training that only updates by gradients have."""


def _report_idle(graph: Graph, sampler: SamplerSpec, findings: Findings) -> None:
    """Warn about settings of training that a sampler does not have (W0432)."""
    batched = {"batch_size"} if SAMPLERS[sampler.name].minibatches else set()
    for key in (key for key in OF_UPDATES if key not in batched):
        if ("train", key) in graph.spec.spans:
            span = graph.spec.spans.key(("train", key))
            reason = f"`{sampler.name}` makes no updates by gradients"
            findings.add(diagnose("W0432", span, option=key, where="`train`", reason=reason))


def _without_prior(graph: Graph) -> list[tuple[str, Span]]:
    """Return the parameters and the links, which have no distribution to sample from.

    A link whose prior could not be written out is reported already, and a bijection without
    parameters, such as that of a latent onto its support, needs none.
    """
    found = [
        (f"the parameter `{node.name}`", node.span)
        for node in graph.programs[MODEL].nodes.values()
        if node.role == "parameter"
    ]
    links = (
        link
        for link in graph.links.values()
        if not graph.spec.unread.holds(LINKS, link.name)
        and not (isinstance(link.entry, Bijection) and not link.entry.learnt)
    )
    return found + [(f"the link `{link.name}`", link.span) for link in links]
