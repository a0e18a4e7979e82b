"""The objective stage: terms, a draw for every latent, closed forms, sums, score gradients."""

from __future__ import annotations

from types import MappingProxyType

from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, ROWS, TypedGraph
from specc.objective.objective import Decision, Draw, Objective, Player
from specc.objective.passes.change_of_variables import bijections_taken, entries_in_order
from specc.objective.passes.closed_form import use_closed_forms
from specc.objective.passes.coverage import check_coverage, drawn_latents
from specc.objective.passes.draws import Setting, choose_draws
from specc.objective.passes.expand import Expansion, expand
from specc.objective.passes.figures import check_figures
from specc.objective.passes.marginalize import Axes, check_size, sum_out
from specc.objective.passes.missing import check_missing
from specc.objective.passes.missing import decisions as missing_decisions
from specc.objective.passes.parts import check_parts
from specc.objective.passes.score import find_surrogates
from specc.objective.passes.soundness import check_learns, check_memory, check_sums, check_terms
from specc.objective.passes.values import Values
from specc.objective.terms import KL_WEIGHT, Divergence, LogProb, Part, Reduce, Sum, leaves


def build_objective(typed: TypedGraph, findings: Findings) -> Objective | None:
    """The objective with every choice made; None where a finding stands against it."""
    expansion = expand(typed.graph, findings)
    if expansion is None:
        return None
    check_terms(typed.graph, expansion, findings)
    check_coverage(typed.graph, expansion.entry, expansion.span, findings)
    check_missing(typed, expansion.entry, findings)
    _check_draw_places(typed, findings)
    drawn_in = drawn_latents(typed.graph)
    setting = Setting(expansion.entry, expansion.particles)
    draws = choose_draws(typed, drawn_in, setting, findings)
    _check_local(typed, expansion, draws, findings)
    if len(draws) < len(drawn_in) or findings.has_errors():
        return None
    draws = _in_order(typed, draws)
    check_size(typed, draws, expansion.span, findings)
    check_sums(typed, expansion, draws, findings)
    check_memory(typed, draws, findings)
    check_learns(typed.graph, expansion, draws, findings)
    if findings.has_errors():
        return None
    objective = _assemble(typed, expansion, draws)
    _check_floors(objective, expansion.span, findings)
    _check_options(objective, expansion, findings)
    check_figures(objective, findings)
    check_parts(objective.graph.graph.spec, findings)
    return None if findings.has_errors() else objective


def _check_floors(objective: Objective, span: Span, findings: Findings) -> None:
    """A divergence has a least value only where it is exact, and no score gradient uses it.

    A divergence from samples falls below any floor by chance, and a score would reward what the
    floor has cut off.
    """
    (reduced,) = (part.term for part in objective.players[0].minimize.parts)
    assert isinstance(reduced, Reduce) and isinstance(reduced.term, Sum)
    reasons = {d.subject: d.reason for d in objective.decisions}
    for part in reduced.term.parts:
        if part.floor and isinstance(part.term, Divergence) and not objective.players[0].surrogates:
            continue
        if part.floor:
            name = next(term.node for _, term in leaves(part.term))
            why = reasons.get(f"KL({name})", "it is weighed over the values of another node")
            if objective.players[0].surrogates:
                why = "there are score gradients, which would reward what is cut off"
            findings.add(diagnose("E0429", span, name=name, reason=why))
            return


def _check_options(objective: Objective, expansion: Expansion, findings: Findings) -> None:
    """Options that change nothing: particles where nothing is drawn, a weight of no divergence."""
    spans, entry = objective.graph.graph.spec.spans, expansion.entry
    idle = {}
    if expansion.particles > 1 and objective.particles == 1:
        idle["particles"] = "nothing is drawn, every expectation is exact"
    if expansion.shaping.warm_up and not objective.warm_up:
        idle["warm_up"] = "there is no divergence whose weight could rise"
    for option, reason in idle.items():
        path = ("objective", entry.name, option)
        span = spans.value(path) if path in spans else expansion.span
        where = f"the objective `{entry.name}`"
        findings.add(diagnose("W0432", span, option=option, where=where, reason=reason))


def _in_order(typed: TypedGraph, draws: dict[str, Draw]) -> dict[str, Draw]:
    """The draws in the order in which they are made: the guide's, then the rest."""
    guide = typed.graph.guide
    names = [n for n in (guide.order if guide else ()) if n in draws]
    names += [n for n in typed.graph.model.order if n in draws and n not in names]
    return {name: draws[name] for name in names}


def _assemble(typed: TypedGraph, expansion: Expansion, draws: dict[str, Draw]) -> Objective:
    values = Values(typed.graph, {name: d.program for name, d in draws.items()})
    entry, decisions = expansion.entry, []
    for name, draw in draws.items():
        span = typed.graph.node((draw.program, name)).span
        choice = f"{draw.kind} ({draw.option})" if draw.option else draw.kind
        decisions.append(Decision(name, choice, draw.reason, span))
    reduction = entry.reduction if expansion.particles > 1 else "mean"
    inner, closed = use_closed_forms(typed, expansion.inner, draws, values, reduction)
    inner, sums = sum_out(typed, inner, draws, Axes(draws, values))
    minimize = Sum((Part(-1.0, Reduce(reduction, ("particle",), inner)),))
    surrogates, scores = find_surrogates(minimize, draws, values)
    paths = [*bijections_taken(typed, minimize, draws), *entries_in_order(typed, minimize)]
    missing = missing_decisions(typed, minimize)
    return Objective(
        graph=typed,
        entry=entry,
        particles=expansion.particles if any(d.is_sampled for d in draws.values()) else 1,
        players=(Player("loss", minimize, surrogates),),
        draws=MappingProxyType(draws),
        warm_up=expansion.shaping.warm_up if _is_weighted(minimize) else 0.0,
        enumerated=tuple(n for n, d in draws.items() if d.has_axis),
        decisions=(
            *decisions,
            *paths,
            *closed,
            *sums,
            *missing,
            *scores,
            *_rising(expansion, minimize),
        ),
    )


def _is_weighted(minimize: Sum) -> bool:
    (reduced,) = (part.term for part in minimize.parts)
    assert isinstance(reduced, Reduce) and isinstance(reduced.term, Sum)
    return any(part.weight for part in reduced.term.parts)


def _rising(expansion: Expansion, minimize: Sum) -> list[Decision]:
    """What the weight of divergences does over the run."""
    if not expansion.shaping.warm_up or not _is_weighted(minimize):
        return []
    share = f"the first {100 * expansion.shaping.warm_up:g} % of the run"
    return [Decision(KL_WEIGHT, f"rises from 0 to 1 over {share}", "warm_up asks for it")]


def _check_draw_places(typed: TypedGraph, findings: Findings) -> None:
    for program in typed.graph.programs.values():
        for node in program.nodes.values():
            if node.draw is not None and node.role != "latent":
                findings.add(
                    diagnose("E0411", node.draw.span, name=node.name, role=node.role), node.id
                )


def _check_local(
    typed: TypedGraph, expansion: Expansion, draws: dict[str, Draw], findings: Findings
) -> None:
    """The log of a mean over particles is taken row by row: every sampled latent must be local."""
    if expansion.entry.reduction != "logmeanexp":
        return
    for _, term in leaves(expansion.inner):
        if not isinstance(term, LogProb) or term.program != GUIDE:
            continue
        node = typed.graph.node((term.program, term.node))
        kind = typed.types.get(node.id)
        if kind is not None and ROWS not in kind.plates and term.node in draws:
            findings.add(
                diagnose("E0428", node.span, objective=expansion.entry.name, name=node.name),
                node.id,
            )
