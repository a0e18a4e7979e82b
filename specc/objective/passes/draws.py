"""Chooses the draw of each latent, as the spec requests it or by traits, with the reason."""

from __future__ import annotations

import math
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from specc.catalog.objective import Draw as DrawEntry
from specc.catalog.objective import Objective as Entry
from specc.catalog.objective import Variant
from specc.catalog.registry import DISTRIBUTIONS, DRAWS, OBJECTIVES, SAMPLERS
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, MODEL, TypedGraph
from specc.graph.nodes import DrawChoice, Node
from specc.objective.objective import Chain, Draw, Moves
from specc.objective.passes.baselines import baseline_problem
from specc.objective.passes.chains import is_unit, unit_draw
from specc.objective.passes.integrate import Integrals
from specc.objective.passes.moves import moved, moved_draw
from specc.objective.passes.players import trained_links
from specc.objective.passes.point_ends import check_points
from specc.objective.passes.posterior import SAMPLED
from specc.objective.passes.shared import Problem, plate_of

MAX_STATES = 4096
"""The largest number of values of one node that is summed over."""

MAX_JOINT_STATES = 1_000_000
"""The largest number of combinations of values of several nodes that is summed over."""


OF_CHAIN = "it stands for the data of the energy"
"""The reason why a draw of the guide in a loss with a chain needs no gradient."""

UNTRAINED = "the player does not train its distribution"
"""The reason why a sample needs no gradient."""


class Setting(Struct, frozen=True):
    """The properties of a loss on which the choice of draws depends.

    `links` are those that the player trains, None for all. With `reweighs` draws of the guide are
    importance-weighted, and no gradient passes through them. `chain` draws the units of an energy,
    `moves` latents of rows, and the sampler of this name all latents of the model.
    """

    entry: Entry
    particles: int
    integrals: Integrals
    links: tuple[str, ...] | None = None
    reweighs: bool = False
    chain: Chain | None = None
    sampler: str = ""
    moves: Moves | None = None

    def trains(self, typed: TypedGraph, node: Node) -> bool:
        """Whether the player trains parameters of the distribution of a node."""
        return self.links is None or bool(trained_links(typed.graph, node.id, self.links))


def choose_draws(
    typed: TypedGraph, drawn_in: dict[str, str], setting: Setting, findings: Findings
) -> dict[str, Draw]:
    """Return a draw for every latent in `drawn_in`; report draws that are not valid.

    Nodes are summed over as long as the number of combinations of their values is small.
    """
    chosen: dict[str, Draw] = {}
    room = float(MAX_STATES)
    by_chain = moved(typed, drawn_in, setting.moves)
    for name, program in drawn_in.items():
        node = typed.graph.node((program, name))
        # Copies of a broken node are not marked as broken themselves, but have no type.
        if node.id in findings.broken or node.id not in typed.types:
            continue
        if setting.moves is not None and name in by_chain:
            chosen[name] = moved_draw(node, setting.moves)
            continue
        in_model = None if node.is_copy else typed.graph.model.nodes.get(name)
        missing = None if in_model is None else in_model.missing
        is_of_energy = is_unit(typed.graph, program, name)
        if setting.chain is None and is_of_energy:
            objective = setting.entry.name
            found = diagnose("E0237", node.span, objective=objective, latents=f"`{name}`")
            findings.add(found, node.id)
            continue
        if setting.chain is not None and is_of_energy:
            chosen[name] = unit_draw(typed.graph, node, setting.chain)
            continue
        if setting.chain is not None and program == GUIDE:
            chosen[name] = _fixed(node, setting, OF_CHAIN)
            continue
        if setting.reweighs and program == GUIDE:
            chosen[name] = _fixed(node, setting, "weighed draws stand for the posterior")
            continue
        requested = missing or node.draw
        draw = _requested_draw(typed, node, requested, setting, findings) if requested else None
        if requested is None:
            draw = _chosen(typed, node, setting, room, findings)
        elif draw is not None and missing is not None:
            reason = "the spec requests it, where the data have no value"
            draw = replace(draw, fills=True, reason=reason)
        if draw is not None:
            chosen[name] = draw
            room /= states(typed, node) if draw.is_enumerated else 1.0
    check_points(typed, chosen, findings)
    return chosen


def states(typed: TypedGraph, node: Node) -> float:
    """Return the number of values of one event of a finite node."""
    kind = typed.types[node.id]
    rank = kind.support.event_rank
    classes = kind.shape[-1] if rank else getattr(kind.support, "high", 0) + 1
    independent = math.prod(kind.shape[: len(kind.shape) - rank])
    return float(classes) ** independent if independent * math.log(classes) < 100 else math.inf


def _requested_draw(
    typed: TypedGraph, node: Node, requested: DrawChoice, setting: Setting, findings: Findings
) -> Draw | None:
    assert node.entry is not None
    entry = DRAWS[requested.kind]
    variant = entry.variant(str(requested.options.get(entry.option, entry.options[0])))
    problem = _problem(typed, node, entry, variant, setting)
    problem = problem or baseline_problem(typed, node, requested.baseline, variant)
    if problem is not None:
        findings.add(finding(problem, requested.span), node.id)
        return None
    if variant.high_variance:
        findings.add(diagnose("W0431", requested.span, name=node.name))
    numbers = {key: float(requested.options.get(key) or n) for key, n in entry.numbers.items()}
    reason = "the spec requests it" + ("; its gradient is biased" if entry.relaxed else "")
    own = MappingProxyType(numbers)
    baseline = requested.baseline
    return Draw(node.name, node.program, entry, variant, reason, numbers=own, baseline=baseline)


def finding(problem: Problem, span: Span) -> Diagnostic:
    """Return the diagnostic of a problem at a position."""
    code, evidence = problem
    return Diagnostic(code, span, MappingProxyType(evidence))


def _problem(
    typed: TypedGraph, node: Node, entry: DrawEntry, variant: Variant, setting: Setting
) -> Problem | None:
    assert node.entry is not None
    words = {"name": node.name, "distribution": node.entry.name}
    if entry.needs_reparameterized and not node.entry.continuous:
        return "E0412", {**words, "hint": _instead(typed, node)}
    if entry.needs_reparameterized and not node.entry.reparameterized:
        return "E0413", {**words}
    if entry.relaxed and not node.entry.relaxed:
        fitting = [name for name, each in DISTRIBUTIONS.items() if each.relaxed]
        shown = " and ".join(f"`{name}`" for name in fitting)
        return "E0463", {**words, "fitting": shown, "hint": _instead(typed, node)}
    if entry.needs_gaussian:
        is_guided = node.program != MODEL
        reason = "a guide draws it" if is_guided else setting.integrals.obstacle(node)
        hint = _integration_hint(node, setting, requested=True)
        return ("E0439", {**words, "reason": reason, "hint": hint}) if reason else None
    if entry.needs_finite:
        return _enumerate_problem(typed, node, entry, setting, words)
    if entry.needs_continuous and not node.entry.continuous:
        return _unfit(node, entry, setting, f"`{node.name}` is {node.entry.name}, not continuous")
    if entry.point and node.program != MODEL:
        reason = "a point has no density; ask for it in the model, and leave the guide without it"
        return _unfit(node, entry, setting, reason)
    if entry.point and typed.types[node.id].is_local:
        reason = (
            f"each row has its own `{node.name}`; only what all rows share is learnt as a point"
        )
        return _unfit(node, entry, setting, reason)
    if variant.stops_parameters and (reason := _landing(typed, node, variant, setting)):
        return _unfit(node, entry, setting, reason)
    if variant.learnt and setting.entry.reduction == "logmeanexp" and setting.particles > 1:
        reason = "a learnt baseline is for a mean, and the bound is the log of one"
        return _unfit(node, entry, setting, reason)
    if setting.particles < variant.needs_particles:
        return "E0416", {"baseline": variant.name, "particles": _count(setting.particles)}
    if entry.sampled and node.program == MODEL:
        return _unfit(node, entry, setting, "nothing but a guide can be sampled from")
    return None


def _landing(typed: TypedGraph, node: Node, variant: Variant, setting: Setting) -> str:
    """Return why the parameters of log q of a draw must have a gradient; empty if they need none.

    Weights of the gradients of draws apply to all that a draw depends on, so that draws must not
    depend on each other.
    """
    is_log = setting.entry.reduction == "logmeanexp" and setting.particles > 1
    if is_log and not variant.of_weights:
        return "sticking the landing is biased with several particles under a log"
    if not is_log and variant.of_weights:
        return f"`{variant.name}` is for several particles under a log; it is `sticking` without"
    if node.through:
        return f"`{node.name}` goes through a bijection"
    guide = typed.graph.guide
    if variant.of_weights and guide is not None:
        drawn = [name for name, own in guide.nodes.items() if own.is_random]
        behind = setting.integrals.stochastic.parents(node.program, node.name)
        others = [name for name in drawn if name in behind]
        if others:
            return f"its distribution depends on `{others[0]}`, which is drawn, too"
    return ""


def _instead(typed: TypedGraph, node: Node) -> str:
    """Return a hint with the draws that the distribution of a node allows."""
    twin = typed.graph.model.nodes.get(node.name)
    key = "missing" if twin is not None and twin.missing is not None else "draw"
    return "write " + " or ".join(f"`{key}: {name}`" for name in _fitting(typed, node))


def _fitting(typed: TypedGraph, node: Node) -> list[str]:
    """Return the sampling and enumerating draws that the distribution of a node allows."""
    assert node.entry is not None
    is_small = node.entry.finite and states(typed, node) <= MAX_STATES
    return [
        entry.name
        for entry in DRAWS.values()
        if (entry.sampled or entry.enumerated)
        and not entry.stops_gradient
        and (is_small or not entry.needs_finite)
        and (node.entry.reparameterized or not entry.needs_reparameterized)
        and (node.entry.relaxed or not entry.relaxed)
    ]


def _integration_hint(node: Node, setting: Setting, *, requested: bool) -> str:
    """Return a hint for a normal latent that cannot be integrated out."""
    if node.program != MODEL:
        return "delete `draw:`; the compiler chooses one that fits"
    use = "use `elbo` with a guide that draws it"
    return ("let the guide draw it" if setting.entry.guided else use) + (
        ", and delete `draw:` here" if requested else ""
    )


def _count(particles: int) -> str:
    return "one particle" if particles == 1 else f"{particles} particles"


def _unfit(node: Node, entry: DrawEntry, setting: Setting, reason: str) -> Problem:
    return "E0417", {
        "objective": setting.entry.name,
        "draw": entry.name,
        "name": node.name,
        "reason": reason,
        "hint": "delete `draw:`; the compiler chooses one that fits",
    }


def _enumerate_problem(
    typed: TypedGraph, node: Node, entry: DrawEntry, setting: Setting, words: dict[str, str]
) -> Problem | None:
    assert node.entry is not None
    if not node.entry.finite:
        return "E0414", {**words, "hint": _instead(typed, node)}
    count = states(typed, node)
    if count > MAX_STATES:
        shown = f"{count:.0f}" if count < 1e9 else "too many"
        return "E0415", {"names": f"`{node.name}`", "count": shown, "limit": str(MAX_STATES)}
    if node.scan is not None and node.program != MODEL:
        reason = "the states of a sequence are summed out where no guide draws them"
        return _unfit(node, entry, setting, reason)
    if setting.entry.reduction == "logmeanexp" and node.program != MODEL:
        reason = "a weighted sum inside the log of a mean is another bound"
        return _unfit(node, entry, setting, reason)
    return None


def _chosen(
    typed: TypedGraph, node: Node, setting: Setting, room: float, findings: Findings
) -> Draw | None:
    if node.joint is not None and not node.is_copy:
        finding = diagnose("E0410", node.span, part=node.name, name=node.joint)
        return findings.add(finding, node.id)
    assert node.entry is not None
    if node.program == MODEL:
        return _unguided(typed, node, setting, findings)
    if node.entry.continuous and (node.entry.reparameterized or not node.is_copy):
        return _continuous(node, setting)
    if node.is_copy:
        reason = f"no gradient passes through a draw of {node.entry.name}"
        return _fixed(node, setting, reason)
    return _discrete(typed, node, setting, room, findings)


def _fixed(node: Node, setting: Setting, reason: str) -> Draw:
    """Return a sample through which no gradient passes."""
    return _draw(node, DRAWS.first(lambda draw: draw.stops_gradient), setting, reason)


def _continuous(node: Node, setting: Setting) -> Draw:
    assert node.entry is not None
    if node.entry.reparameterized:
        reason = f"{node.entry.name} is continuous and reparameterized"
        return _draw(node, DRAWS.first(lambda draw: draw.pathwise), setting, reason)
    reason = f"{node.entry.name} has no pathwise gradient"
    return _draw(node, DRAWS.first(lambda draw: draw.score_function), setting, reason)


def _draw(node: Node, entry: DrawEntry, setting: Setting, reason: str) -> Draw:
    """Return a draw that the compiler chooses."""
    return Draw(node.name, node.program, entry, entry.automatic(setting.particles), reason)


def _discrete(
    typed: TypedGraph, node: Node, setting: Setting, room: float, findings: Findings
) -> Draw | None:
    assert node.entry is not None
    policy = setting.entry.finite
    trained = setting.trains(typed, node)
    if policy == "refuse" and not trained:
        return _fixed(node, setting, UNTRAINED)
    if policy == "refuse" and not typed.types[node.id].is_local:
        shared = diagnose("E0428", node.span, objective=setting.entry.name, name=node.name)
        return findings.add(shared, node.id)
    if policy == "refuse":
        findings.add(
            diagnose(
                "E0412",
                node.span,
                name=node.name,
                distribution=node.entry.name,
                hint=f"use the objective `{_by_score(setting.entry)}`, which needs no pathwise "
                "gradient",
            ),
            node.id,
        )
        return None
    count = states(typed, node) if node.entry.finite else math.inf
    repeated = node.scan is not None or plate_of(typed, node) is not None
    if policy == "choose" and count <= min(64, room) and not repeated:
        reason = f"{node.entry.name} has {count:.0f} values: their sum is exact"
        return _draw(node, DRAWS.first(lambda draw: draw.enumerated), setting, reason)
    if not trained:
        return _fixed(node, setting, UNTRAINED)
    reason = f"{node.entry.name} is discrete, with too many values to sum over"
    if repeated:
        many = "at many steps" if node.scan is not None else "for each element of a plate"
        reason = f"{node.entry.name} is discrete, with values {many}"
    if policy != "choose":
        reason = f"{node.entry.name} is discrete: {setting.entry.name} uses the score"
    return _draw(node, DRAWS.first(lambda draw: draw.score_function), setting, reason)


def _by_score(entry: Entry) -> str:
    """Return the objective of the same reduction that draws discrete latents by score functions."""
    others = OBJECTIVES.values()
    fits = (o for o in others if o.finite == "score function" and o.reduction == entry.reduction)
    return next(fits).name


def _unguided(typed: TypedGraph, node: Node, setting: Setting, findings: Findings) -> Draw | None:
    """Choose the draw of a latent that the guide lacks: a sum, an integral or a point."""
    assert node.entry is not None
    if node.entry.finite and states(typed, node) <= MAX_STATES:
        reason = f"no guide draws it, and it has {states(typed, node):.0f} values"
        return _draw(node, DRAWS.first(lambda draw: draw.enumerated), setting, reason)
    shared = not typed.types[node.id].is_local
    by_chain = bool(setting.sampler) and (shared or not SAMPLERS[setting.sampler].minibatches)
    if node.entry.gaussian and not shared and not by_chain:
        return _integrated(typed, node, setting, findings)
    if by_chain and node.entry.continuous:
        reason = f"the states of the chains of {setting.sampler} are its draws"
        return _draw(node, SAMPLED, setting, reason)
    if setting.entry.points and shared and node.entry.continuous:
        reason = f"{setting.entry.name} learns one point for each global latent"
        return _draw(node, DRAWS.first(lambda draw: draw.point), setting, reason)
    span = typed.graph.node(node.id).span
    if setting.sampler:
        own = "each row has its own value, and an update has some of the rows"
        kind = own if node.entry.continuous else "it has too many values to sum over"
        found = diagnose("E0483", span, sampler=setting.sampler, name=node.name, reason=kind)
        return findings.add(found, node.id)
    findings.add(
        diagnose("E0406", span, objective=setting.entry.name, latents=f"`{node.name}`"), node.id
    )
    return None


def _integrated(typed: TypedGraph, node: Node, setting: Setting, findings: Findings) -> Draw | None:
    """Return the draw of a normal latent that is integrated out; report E0439 if impossible."""
    reason = setting.integrals.obstacle(node)
    if reason:
        hint = _integration_hint(node, setting, requested=False)
        found = diagnose("E0439", node.span, name=node.name, reason=reason, hint=hint)
        findings.add(found, node.id)
        return None
    way = "no guide draws it; what depends on it is normal and affine"
    return _draw(node, DRAWS.first(lambda draw: draw.integrated), setting, way)
