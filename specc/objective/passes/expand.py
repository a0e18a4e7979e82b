"""Expands the objective of a spec into terms: a named one by its traits, or an expression."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from specc.catalog.elsewhere import alternative
from specc.catalog.limits import MAX_PARTICLES, MAX_SIZE, MAX_STEPS
from specc.catalog.objective import Objective as Entry
from specc.catalog.other_names import suggested_name
from specc.catalog.registry import OBJECTIVES, SHORTHANDS
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.blocks import below
from specc.graph.findings import Findings
from specc.graph.graph import Graph
from specc.language.schema.objective import (
    Minimize,
    NamedObjective,
    Player,
    WrittenLoss,
    written_losses,
)
from specc.language.schema.spec import Path
from specc.objective.passes.bounds import Expansion, Shaping, bound_terms
from specc.objective.passes.chains import contrastive, with_chain
from specc.objective.passes.energy_densities import conditionals, exact_likelihood, no_density
from specc.objective.passes.moves import refuse_moves, with_moves
from specc.objective.passes.posterior import posterior
from specc.objective.passes.stages import trained_by
from specc.objective.passes.written import Written


def expand(graph: Graph, findings: Findings) -> tuple[Expansion, ...]:
    """Return the terms of each loss of the spec; empty if there are errors."""
    written, sampler = graph.spec.document.objective, graph.spec.document.posterior
    if sampler is not None:
        found = [posterior(graph, sampler, findings)]
        return tuple(each for each in found if each is not None)
    if written is None and graph.spec.unread.holds("objective"):
        return ()
    if written is None:
        findings.add(diagnose("E0424", graph.spec.spans.key(("model",))))
        return ()
    losses = [_loss(graph, loss, findings) for loss in written_losses(written)]
    expansions = tuple(expansion for expansion in losses if expansion is not None)
    return expansions if len(expansions) == len(losses) else ()


WRITTEN_OUT = "an expression states what is drawn, as `guide.z` or `model.z`"
"""The reason why the sampler of a spec draws nothing in a loss that is an expression."""


def _loss(graph: Graph, loss: WrittenLoss, findings: Findings) -> Expansion | None:
    """Return the terms of one loss, of a player or of a stage."""
    if isinstance(loss.written, NamedObjective):
        found = _named(graph, loss.written, loss.path, findings)
        found = None if found is None else with_moves(graph, found, findings)
    elif refuse_moves(graph, "minimize", WRITTEN_OUT, findings):
        found = None
    else:
        (expression,) = loss.expressions
        is_whole = isinstance(loss.written, Minimize) and loss.stage is None
        place = loss.path if is_whole else (*loss.path, "minimize")
        found = Written(graph, findings).expand(expression, graph.spec.spans.value(place))
        found = None if found is None else _with_chain(graph, found, loss, findings)
    if found is None:
        return None
    links = loss.written.links if isinstance(loss.written, Player) else None
    if loss.stage is None:
        return replace(found, player=loss.player, path=loss.path, links=links)
    links = links if links is not None else trained_by(graph, loss.stage)
    stage, found = loss.stage, replace(found, player=loss.player, path=loss.path)
    return replace(found, links=links, frozen=stage.freeze)


def _with_chain(
    graph: Graph, found: Expansion, loss: WrittenLoss, findings: Findings
) -> Expansion | None:
    """Return the terms with the chain that draws the units of an energy in an expression."""
    own = loss.written.chain if isinstance(loss.written, Player) else {}
    entry = OBJECTIVES.first(lambda each: each.contrastive)
    options = _options(graph, entry, own, (*loss.path, "chain"), findings)
    if options is None:
        return None
    span = graph.spec.spans.key((*loss.path, "chain")) if own else found.span
    return with_chain(graph, found, options, span, findings)


def _options(
    graph: Graph, entry: Entry, written: Mapping[str, object], place: Path, findings: Findings
) -> dict[str, bool | int | float | str] | None:
    """Return all options of an objective; None if one is not valid, which is reported."""
    spans, chosen = graph.spec.spans, dict(entry.options)
    for key, value in written.items():
        option = spans.value((*place, key))
        if key not in entry.options:
            known = ", ".join(f"`{o}`" for o in entry.options)
            hint = f"it has {known}" if known else "it has none"
            option = spans.key((*place, key))
            findings.add(diagnose("E0402", option, objective=entry.name, name=key, hint=hint))
            return None
        if not _is_legal(entry, key, value):
            _bad_option(entry, key, value, option, findings)
            return None
        assert isinstance(value, (int, float, str))
        chosen[key] = value
    return chosen


def _named(
    graph: Graph, written: NamedObjective, path: Path, findings: Findings
) -> Expansion | None:
    spans = graph.spec.spans
    place = (*path, written.name)
    span = spans.value(path) if path == ("objective",) else spans.key(place)
    if written.name not in OBJECTIVES:
        names = [*OBJECTIVES, *SHORTHANDS]
        guess = suggested_name(written.name, names)
        known = "the objectives are " + ", ".join(f"`{n}`" for n in names)
        hint = "" if guess else alternative(written.name) or known
        findings.add(diagnose("E0401", span, suggestion=guess, name=written.name, hint=hint))
        return None
    entry = OBJECTIVES[written.name]
    of_energy = entry.contrastive or entry.exact or entry.conditionals
    has_density = of_energy and (entry.contrastive or not below(graph.model))
    if graph.model.energy is not None and not has_density:
        findings.add(no_density(graph, entry.name, span))
        return None
    chosen = _options(graph, entry, written.options, place, findings)
    if chosen is None:
        return None
    if entry.contrastive:
        return contrastive(graph, entry, chosen, span, findings)
    if entry.conditionals:
        return conditionals(graph, entry, span, findings)
    if graph.model.energy is not None:
        return exact_likelihood(graph, entry, span, findings)
    warm_up, free_bits = (float(chosen.get(key, 0.0)) for key in ("warm_up", "free_bits"))
    shaping = Shaping(warm_up, free_bits)
    particles = int(chosen.get("particles", 1))
    terms = bound_terms(graph, entry, shaping)
    by_step = chosen.get("steps") == "random"
    return Expansion(entry, particles, terms, span, shaping, by_step=by_step)


RANGES: dict[str, tuple[tuple[type, ...], float, float, str]] = {
    "particles": ((int,), 1, MAX_PARTICLES, f"an integer from 1 to {MAX_PARTICLES:,}"),
    "warm_up": ((int, float), 0.0, 0.999, "a share of the run, from 0 to 0.999"),
    "free_bits": ((int, float), 0.0, 1e6, "a number of nats, 0 or more"),
    "steps": ((int,), 1, MAX_STEPS, f"an integer from 1 to {MAX_STEPS:,}"),
    "chains": ((int,), 1, MAX_SIZE, f"an integer from 1 to {MAX_SIZE:,}"),
    "tolerance": ((int, float), 1e-12, 1.0, "a number from 1e-12 to 1"),
    "persistent": ((bool,), 0, 1, "true or false"),
}
"""Legal values of the options of objectives: types, lower and upper bound, description."""


def _is_legal(entry: Entry, key: str, value: object) -> bool:
    if key in entry.words:
        return value in entry.words[key]
    kinds, least, most, _ = RANGES[key]
    if isinstance(value, bool) != (bool in kinds) or not isinstance(value, kinds):
        return False
    assert isinstance(value, (int, float))
    return least <= value <= most


def _bad_option(entry: Entry, key: str, value: object, place: Span, findings: Findings) -> None:
    words = " or ".join(f"`{word}`" for word in entry.words.get(key, ()))
    expected = words or RANGES[key][3]
    findings.add(
        diagnose(
            "E0403", place, name=key, objective=entry.name, value=f"`{value}`", expected=expected
        )
    )
