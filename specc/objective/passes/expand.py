"""Expands the objective of a spec into terms: a named one by its traits, or an expression."""

from __future__ import annotations

from dataclasses import replace

from specc.catalog.elsewhere import alternative
from specc.catalog.limits import MAX_PARTICLES, MAX_SIZE, MAX_STEPS
from specc.catalog.objective import Objective as Entry
from specc.catalog.other_names import suggested_name
from specc.catalog.registry import OBJECTIVES, SHORTHANDS
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
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
from specc.objective.passes.chains import contrastive
from specc.objective.passes.stages import trained_by
from specc.objective.passes.written import Written


def expand(graph: Graph, findings: Findings) -> tuple[Expansion, ...]:
    """Return the terms of each loss of the spec; empty if there are errors."""
    written = graph.spec.document.objective
    if written is None and graph.spec.unread.holds("objective"):
        return ()
    if written is None:
        findings.add(diagnose("E0424", graph.spec.spans.key(("model",))))
        return ()
    found = [_loss(graph, loss, findings) for loss in written_losses(written)]
    expansions = tuple(expansion for expansion in found if expansion is not None)
    return expansions if len(expansions) == len(found) else ()


def _loss(graph: Graph, loss: WrittenLoss, findings: Findings) -> Expansion | None:
    """Return the terms of one loss, of a player or of a stage."""
    if isinstance(loss.written, NamedObjective):
        found = _named(graph, loss.written, loss.path, findings)
    else:
        (expression,) = loss.expressions
        is_whole = isinstance(loss.written, Minimize) and loss.stage is None
        place = loss.path if is_whole else (*loss.path, "minimize")
        found = Written(graph, findings).expand(expression, graph.spec.spans.value(place))
    if found is None:
        return None
    links = loss.written.links if isinstance(loss.written, Player) else None
    if loss.stage is None:
        return replace(found, player=loss.player, path=loss.path, links=links)
    links = links if links is not None else trained_by(graph, loss.stage)
    stage, found = loss.stage, replace(found, player=loss.player, path=loss.path)
    return replace(found, links=links, frozen=stage.freeze)


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
    if graph.model.energy is not None and not entry.contrastive:
        findings.add(diagnose("E0276", span, objective=entry.name))
        return None
    chosen = dict(entry.options)
    for key, value in written.options.items():
        option = spans.value((*place, key))
        if key not in entry.options:
            known = ", ".join(f"`{o}`" for o in entry.options)
            hint = f"it has {known}" if known else "it has none"
            option = spans.key((*place, key))
            findings.add(diagnose("E0402", option, objective=entry.name, name=key, hint=hint))
            return None
        if not _is_legal(key, value):
            _bad_option(entry, key, value, option, findings)
            return None
        assert isinstance(value, (int, float))
        chosen[key] = value
    if entry.contrastive:
        return contrastive(graph, entry, chosen, span, findings)
    warm_up, free_bits = (float(chosen.get(key, 0.0)) for key in ("warm_up", "free_bits"))
    shaping = Shaping(warm_up, free_bits)
    particles = int(chosen.get("particles", 1))
    return Expansion(entry, particles, bound_terms(graph, entry, shaping), span, shaping)


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


def _is_legal(key: str, value: object) -> bool:
    kinds, least, most, _ = RANGES[key]
    if isinstance(value, bool) != (bool in kinds) or not isinstance(value, kinds):
        return False
    assert isinstance(value, (int, float))
    return least <= value <= most


def _bad_option(entry: Entry, key: str, value: object, place: Span, findings: Findings) -> None:
    expected = RANGES[key][3]
    findings.add(
        diagnose(
            "E0403", place, name=key, objective=entry.name, value=f"`{value}`", expected=expected
        )
    )
