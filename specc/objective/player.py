"""Builds a player: draws, closed forms, sums and score gradients, with reasons."""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, MODEL, ROWS, TypedGraph
from specc.objective.objective import Decision, Draw, Player
from specc.objective.passes.bounds import Expansion
from specc.objective.passes.buffers import buffer_decisions, buffer_states, find_buffers
from specc.objective.passes.chains import chain_states, starts
from specc.objective.passes.change_of_variables import autoregressive_decisions, bijection_decisions
from specc.objective.passes.closed_form import use_closed_forms
from specc.objective.passes.draws import Setting, choose_draws
from specc.objective.passes.elements import check_elements
from specc.objective.passes.guide_coverage import all_drawn, check_coverage
from specc.objective.passes.improper import check_proper
from specc.objective.passes.integrate import Integrals
from specc.objective.passes.marginalize import Axes, check_size, sum_out
from specc.objective.passes.missing import decisions as missing_decisions
from specc.objective.passes.moves import check_moves, moved, moved_states, moves_decisions
from specc.objective.passes.one_step import find_chain, take_one_step
from specc.objective.passes.players import (
    check_samples,
    check_trained,
    left_to_train,
    needed,
    trained_links,
)
from specc.objective.passes.row_functions import check_row_functions
from specc.objective.passes.row_sources import check_sources
from specc.objective.passes.score import find_surrogates, states
from specc.objective.passes.stochastic_graph import StochasticGraph
from specc.objective.passes.term_checks import check_learns, check_memory, check_sums
from specc.objective.terms import (
    KL_WEIGHT,
    PARTICLE,
    ChainDivergence,
    Divergence,
    LogProb,
    Noising,
    Part,
    Reduce,
    Sum,
    densities_in,
)


def build_player(typed: TypedGraph, expansion: Expansion, findings: Findings) -> Player | None:
    """Return the player with all choices made; None if there are errors."""
    drawn_in = needed_draws(typed, expansion)
    expansion, began = _with_starts(typed, expansion, drawn_in, findings)
    drawn_in |= began
    own = moved(typed, drawn_in, expansion.moves)
    wanted = [name for name in drawn_in if name not in own]
    check_coverage(typed.graph, expansion.entry, wanted, expansion.span, findings)
    check_moves(typed, own, expansion, findings)
    setting = Setting(
        entry=expansion.entry,
        particles=expansion.particles,
        integrals=Integrals(typed),
        links=expansion.links,
        reweighs=expansion.reweighs,
        chain=expansion.chain,
        sampler=expansion.sampler,
        moves=expansion.moves,
    )
    check_proper(typed, drawn_in, findings)
    draws = choose_draws(typed, drawn_in, setting, findings)
    _check_local(typed, expansion, draws, findings)
    if len(draws) < len(drawn_in) or findings.has_errors():
        return None
    draws = _in_order(typed, draws)
    stochastic = StochasticGraph(typed.graph, {name: draw.program for name, draw in draws.items()})
    read = {name: draw for name, draw in draws.items() if name not in began}
    check_samples(typed, expansion, read, findings)
    axes = Axes(draws, stochastic)
    check_row_functions(typed, expansion, axes, findings)
    check_size(typed, draws, expansion.span, findings)
    check_sums(typed, expansion, axes, findings)
    check_memory(typed, draws, findings)
    moving = StochasticGraph(typed.graph, stochastic.drawn_in, of_gradients=True)
    if expansion.links is None:
        check_learns(typed.graph, expansion, draws, findings)
    elif not expansion.frozen:
        check_trained(typed.graph, expansion, expansion.links, moving, findings)
    else:
        left = left_to_train(typed.graph, expansion, draws, moving, findings)
        expansion = replace(expansion, links=left)
    chain = find_chain(typed, expansion, axes, findings) if expansion.by_step else None
    if findings.has_errors():
        return None
    player = _assemble(typed, expansion, axes, chain)
    check_elements(typed, player, axes, expansion, findings)
    check_sources(typed, player, expansion, findings)
    _check_floors(player, expansion, findings)
    _check_options(typed, player, expansion, findings)
    return player


def needed_draws(typed: TypedGraph, expansion: Expansion) -> dict[str, str]:
    """Return the drawn values that a loss depends on, with the program that draws each."""
    drawn_in = all_drawn(typed.graph)
    if not expansion.entry.guided:  # another stage has an objective that uses the guide
        drawn_in = {n: MODEL if program == GUIDE else program for n, program in drawn_in.items()}
    wanted = needed(expansion, StochasticGraph(typed.graph, drawn_in))
    return {name: program for name, program in drawn_in.items() if name in wanted}


def _with_starts(
    typed: TypedGraph, expansion: Expansion, drawn_in: dict[str, str], findings: Findings
) -> tuple[Expansion, dict[str, str]]:
    """Return the loss without a chain that it does not need, and the draws at which one starts.

    Report a chain that the spec states without need (E0296).
    """
    chain = expansion.chain
    if chain is None or chain.program not in drawn_in.values():
        place = (*expansion.path, "chain")
        if place in typed.graph.spec.spans:
            span = typed.graph.spec.spans.key(place)
            findings.add(diagnose("E0296", span, name=expansion.player or "loss"))
        return replace(expansion, chain=None), {}
    every = all_drawn(typed.graph)
    wanted = set(starts(typed.graph, chain))
    wanted |= StochasticGraph(typed.graph, every).ancestors(wanted)
    found = {name: program for name, program in every.items() if name in wanted}
    return expansion, {name: own for name, own in found.items() if name not in drawn_in}


def _check_floors(player: Player, expansion: Expansion, findings: Findings) -> None:
    """Report a floor of a divergence that is not exact, or that has score gradients (E0429).

    An estimate from samples falls below a floor by chance, and a score gradient would reward the
    terms that the floor cuts off.
    """
    reasons = {d.subject: d.reason for d in player.decisions}
    for part in player.parts:
        estimates = isinstance(part.term, ChainDivergence) and part.term.is_random
        is_exact = isinstance(part.term, Divergence) and not estimates
        if part.floor and is_exact and not player.surrogates:
            continue
        if part.floor:
            name = next(term.node for _, term in densities_in(part.term))
            why = reasons.get(f"KL({name})", "it is weighed over the values of another node")
            why = "one random step stands for all of them" if estimates else why
            if player.surrogates:
                why = "there are score gradients, which would reward what is cut off"
            findings.add(diagnose("E0429", expansion.span, name=name, reason=why))
            return


def _check_options(
    typed: TypedGraph, player: Player, expansion: Expansion, findings: Findings
) -> None:
    """Warn about particles without draws, and a warm-up without divergences (W0432)."""
    spans, entry = typed.graph.spec.spans, expansion.entry
    idle = {}
    if expansion.particles > 1 and player.particles == 1:
        idle["particles"] = "nothing is drawn, every expectation is exact"
    if expansion.shaping.warm_up and not player.warm_up:
        idle["warm_up"] = "there is no divergence whose weight could rise"
    for option, reason in idle.items():
        path = (*expansion.path, entry.name, option)
        span = spans.value(path) if path in spans else expansion.span
        where = f"the objective `{entry.name}`"
        findings.add(diagnose("W0432", span, option=option, where=where, reason=reason))


def _in_order(typed: TypedGraph, draws: dict[str, Draw]) -> dict[str, Draw]:
    """Return the draws in the order of drawing: the guide's, the model's, then copies."""
    guide = typed.graph.guide
    names = [n for n in (guide.order if guide else ()) if n in draws]
    names += [n for n in typed.graph.model.order if n in draws]
    copies = [p for p in typed.graph.programs.values() if p.is_draw]
    names += [n for program in copies for n in program.order if n in draws]
    return {name: draws[name] for name in dict.fromkeys(names)}


def _assemble(typed: TypedGraph, expansion: Expansion, axes: Axes, chain: Noising | None) -> Player:
    draws, entry, decisions = axes.draws, expansion.entry, []
    drawn_in = {name: draw.program for name, draw in draws.items()}
    own = moved(typed, drawn_in, expansion.moves)
    for name, draw in draws.items():
        span = typed.graph.node((draw.program, name)).span
        choice = f"{draw.kind} ({draw.option})" if draw.option else draw.kind
        decisions.append(Decision(name, choice, draw.reason, span))
    reduction = entry.reduction if expansion.particles > 1 else "mean"
    by_step, steps = take_one_step(expansion.inner, chain)
    inner, closed = use_closed_forms(typed, by_step, axes, reduction)
    inner, sums = sum_out(typed, inner, axes)
    is_weighted = any(part.weight for part in inner.parts)
    minimize = Sum((Part(-1.0, Reduce(reduction, (PARTICLE,), inner)),))
    surrogates, scores = find_surrogates(
        minimize, _trained_draws(typed, expansion, draws), axes.stochastic
    )
    paths = [
        *bijection_decisions(typed, minimize, draws),
        *autoregressive_decisions(typed, minimize),
    ]
    missing = missing_decisions(typed, minimize)
    buffers = find_buffers(typed.graph, minimize)
    return Player(
        name=expansion.player or "loss",
        entry=entry,
        minimize=minimize,
        particles=expansion.particles if any(d.is_sampled for d in draws.values()) else 1,
        draws=MappingProxyType(draws),
        surrogates=surrogates,
        state=(
            *states(surrogates, draws, reduction),
            *buffer_states(typed, buffers),
            *chain_states(typed, expansion.chain),
            *moved_states(typed, own, expansion.moves),
        ),
        links=expansion.links,
        chain=expansion.chain,
        moves=expansion.moves if own else None,
        warm_up=expansion.shaping.warm_up if is_weighted else 0.0,
        decisions=(
            *decisions,
            *paths,
            *steps,
            *closed,
            *sums,
            *missing,
            *buffer_decisions(buffers),
            *moves_decisions(own, expansion.moves),
            *scores,
            *(_rising(expansion) if is_weighted else ()),
        ),
    )


def _trained_draws(
    typed: TypedGraph, expansion: Expansion, draws: dict[str, Draw]
) -> dict[str, Draw]:
    """Return the draws from distributions that the player trains, which need gradients."""
    if expansion.links is None:
        return draws
    graph, links = typed.graph, expansion.links
    return {n: d for n, d in draws.items() if trained_links(graph, (d.program, n), links)}


def _rising(expansion: Expansion) -> list[Decision]:
    """Return the decision about the warm-up of divergences, if there is one."""
    if not expansion.shaping.warm_up:
        return []
    share = f"the first {100 * expansion.shaping.warm_up:g} % of the run"
    return [Decision(KL_WEIGHT, f"rises from 0 to 1 over {share}", "warm_up requests it")]


def _check_local(
    typed: TypedGraph, expansion: Expansion, draws: dict[str, Draw], findings: Findings
) -> None:
    """Report sampled latents that are global if a log of a mean is taken row by row (E0428)."""
    if expansion.entry.reduction != "logmeanexp" and not expansion.reweighs:
        return
    for _, term in densities_in(expansion.inner):
        if not isinstance(term, LogProb) or term.program != GUIDE:
            continue
        node = typed.graph.node((term.program, term.node))
        kind = typed.types.get(node.id)
        if kind is not None and ROWS not in kind.plates and term.node in draws:
            findings.add(
                diagnose("E0428", node.span, objective=expansion.entry.name, name=node.name),
                node.id,
            )
