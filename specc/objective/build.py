"""Builds the objective: the losses of the players, with all choices of the compiler."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from specc.catalog.registry import OBJECTIVES
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, Graph, TypedGraph
from specc.language.schema.objective import Order, Players
from specc.objective.build_experiment import build_experiment
from specc.objective.objective import Draw, Objective, Player
from specc.objective.passes.bounds import Expansion, bound_terms
from specc.objective.passes.data_splits import check_splits
from specc.objective.passes.elements import couples_rows
from specc.objective.passes.expand import expand
from specc.objective.passes.likelihood import joint_density, likelihood
from specc.objective.passes.likelihood_estimates import check_likelihood_estimates
from specc.objective.passes.missing import check_missing
from specc.objective.passes.overridden import check_overridden
from specc.objective.passes.plateaus import check_plateaus
from specc.objective.passes.players import check_links, check_values
from specc.objective.passes.sample_metrics import check_sample_metrics
from specc.objective.passes.stages import check_stages, stages_of
from specc.objective.passes.subsample import check_subsample
from specc.objective.passes.term_checks import check_terms
from specc.objective.player import build_player


def build_objective(typed: TypedGraph, findings: Findings) -> Objective | None:
    """Return the objective with all choices made; None if there are errors."""
    expansions = expand(typed.graph, findings)
    check_links(typed.graph, findings)
    check_stages(typed, findings)
    check_plateaus(typed.graph.spec, findings)
    check_overridden(typed.graph.spec, findings)
    is_guide_used = any(expansion.entry.guided for expansion in expansions)
    for expansion in expansions:
        check_terms(typed.graph, expansion, findings, is_guide_used=is_guide_used)
        check_values(typed, expansion, findings)
        check_missing(typed, expansion.entry, findings)
    if not expansions:
        return None
    players = [build_player(typed, expansion, findings) for expansion in expansions]
    found = tuple(player for player in players if player is not None)
    if len(found) < len(players):
        return None
    experiment, stages = build_experiment(typed), stages_of(typed.graph)
    evaluated = _evaluated(typed, found)
    order = _order(typed.graph)
    objective = Objective(typed, found, experiment, order, stages=stages, evaluated=evaluated)
    whole, joint = likelihood(typed, objective.draws), joint_density(typed, objective.draws)
    every = [part.term for player in found for part in player.parts]
    every += [part.term for density in (whole, joint) if density for part in density.parts]
    coupled = dict.fromkeys(name for term in every for name in couples_rows(typed, term))
    objective = replace(objective, likelihood=whole, joint=joint, coupled=tuple(coupled))
    check_likelihood_estimates(objective, findings)
    check_sample_metrics(objective, findings)
    check_splits(typed.graph.spec, findings)
    check_subsample(typed, found, findings)
    return None if findings.has_errors() else objective


def _evaluated(typed: TypedGraph, players: tuple[Player, ...]) -> Mapping[str, Draw]:
    """Return the draws of a guide for bounds of log p(x), if no loss draws from it.

    Losses that are expressions need no guide, and a bound measures their result. A guide that does
    not draw all latents gives no bound.
    """
    graph, findings = typed.graph, Findings()
    used = any(draw.program == GUIDE for player in players for draw in player.draws.values())
    if graph.guide is None or used:
        return {}
    entry = OBJECTIVES.first(lambda each: each.guided and each.reduction == "mean")
    span = graph.spec.spans.key(("guide",))
    bound = build_player(typed, Expansion(entry, 1, bound_terms(graph, entry), span), findings)
    return {} if bound is None or findings.has_errors() else bound.draws


def _order(graph: Graph) -> Order:
    """Return the order in which several players take their steps."""
    written = graph.spec.document.objective
    return written.order if isinstance(written, Players) else "alternating"
