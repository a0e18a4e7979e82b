"""The terms of log p(x) in closed form, for a model in which no latent must be sampled."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from specc.graph.graph import GUIDE, MODEL, TypedGraph
from specc.objective.objective import Draw
from specc.objective.passes.bounds import WRITTEN, bound_terms
from specc.objective.passes.elements import coupling
from specc.objective.passes.energy_densities import density_of_energy
from specc.objective.passes.guide_coverage import drawn_latents
from specc.objective.passes.marginalize import Axes, sum_out
from specc.objective.passes.row_sources import densities_are_paired
from specc.objective.passes.stochastic_graph import StochasticGraph
from specc.objective.terms import Sum


def likelihood(typed: TypedGraph, draws: Mapping[str, Draw]) -> Sum | None:
    """Return the terms of log p(x), whatever the objective is; None without a closed form.

    Every latent of the model must be summed or integrated out of the joint density, or be a point,
    whose density is the prior. None also if no node of the model is random,
    or if its densities belong to rows of several sources, which are not paired.
    """
    if typed.graph.model.energy is not None:
        return density_of_energy(typed.graph.model)
    if not any(node.is_random for node in typed.graph.model.nodes.values()):
        return None
    if not densities_are_paired(typed, MODEL):
        return None
    names = drawn_latents(typed.graph)
    if not all(name in draws and _is_closed(typed, draws[name]) for name in names):
        return None
    return _summed(typed, draws)


def joint_density(typed: TypedGraph, draws: Mapping[str, Draw]) -> Sum | None:
    """Return the terms of log p(x, z), with z the latents that a guide or chains draw.

    Latents that no guide draws are summed or integrated out of it. None if chains draw no latent of
    rows and nothing is summed out, and if the elements of a plate are not independent.
    """
    in_model = [draw for draw in draws.values() if draw.program == MODEL]
    guided = any(draw.program == GUIDE for draw in draws.values())
    summed = [draw for draw in in_model if draw.has_axis]
    is_partial = guided and bool(summed) and not any(draw.fills for draw in summed)
    by_chain = any(_is_of_rows(typed, draw) for draw in in_model)
    names = drawn_latents(typed.graph)
    if not by_chain and not (is_partial and all(name in draws for name in names)):
        return None
    if not densities_are_paired(typed, MODEL):
        return None
    return _summed(typed, draws)


def _summed(typed: TypedGraph, draws: Mapping[str, Draw]) -> Sum | None:
    """Return the joint density with latents summed out; None if elements are not independent."""
    in_model = {name: draw for name, draw in draws.items() if draw.program == MODEL}
    axes = Axes(in_model, StochasticGraph(typed.graph, dict.fromkeys(in_model, MODEL)))
    joint = bound_terms(typed.graph, replace(WRITTEN, guided=False))
    found = sum_out(typed, joint, axes)[0]
    return None if coupling(typed, found, axes) else found


def _is_of_rows(typed: TypedGraph, draw: Draw) -> bool:
    """Whether chains draw a latent with a value for each row."""
    is_unit = typed.graph.model.energy is not None
    by_chain = (draw.entry.chain and not is_unit) or draw.is_point
    return by_chain and typed.types[draw.program, draw.node].is_local


def _is_closed(typed: TypedGraph, draw: Draw) -> bool:
    if draw.program != MODEL:
        return False
    return draw.has_axis or (draw.is_point and not typed.types[MODEL, draw.node].is_local)
