"""The functions of a plan and their inputs, which all other modules read from here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from specc.catalog.entry import Function
from specc.codegen.dependencies import values_behind
from specc.codegen.names import function_of
from specc.codegen.opposed_chains import steps_of_chain
from specc.codegen.plan import Factor, Input, Loss, Mask, Plan, ProgramPlan
from specc.codegen.row_terms import (
    drawn_of_prior,
    is_local,
    is_shared,
    prior_terms,
    split,
    summed_in,
)
from specc.graph.blocks import below, chain_state, conditions_of_hidden, hidden, moved
from specc.graph.graph import ENERGY, FREE_ENERGY, GUIDE, MODEL, Program
from specc.language.expressions.tree import Number
from specc.objective.objective import Player
from specc.objective.passes.energy_densities import unnormalized_joint
from specc.objective.passes.row_sources import densities_are_paired
from specc.objective.passes.shared import is_of_rows
from specc.objective.terms import (
    Apply,
    Conditionals,
    Divergence,
    Energy,
    LogProb,
    Part,
    Reduce,
    StateSum,
    Sum,
    Term,
    Value,
    densities_in,
    value_node,
    walk,
)

PSEUDO = "log_pseudolikelihood"
UNNORMALIZED = "unnormalized_log_joint"
"""The method with -F of the visible units of an energy and the log-densities of all below them."""

Methods = Mapping[str, tuple[Input, ...]]
"""The methods of a program that are called from outside, with the inputs of each."""


def methods(plan: Plan, program: ProgramPlan) -> Methods:
    """Return the methods of a program besides those of its nodes, with their inputs."""
    if program.name == GUIDE:
        return _guide_methods(plan, program)
    if program.name != MODEL:
        return {}
    if plan.graph.graph.programs[program.name].energy is not None:
        return _energy_methods(plan, program)
    found: dict[str, tuple[Input, ...]] = {}
    local = split(program)[0]
    if local and densities_are_paired(plan.graph, MODEL):
        found["log_joint"] = _without_summed(plan, _joint_inputs(plan, program, local))
    if prior := prior_terms(plan, program):
        found["log_prior"] = _prior_inputs(plan, program, prior)
    if plan.objective.is_sampled:
        found["log_det"] = ()
    if plan.objective.likelihood is not None:
        found["log_prob"] = _likelihood_inputs(plan, program)
    nodes, used = plan.graph.graph.programs[program.name].nodes, _used(plan, program)
    found["sample"] = tuple(n for n in program.order if nodes[n].role == "given" and n in used)
    if (density := likelihood_of_rows(plan)) is not None:
        found["log_likelihood"] = _inputs_of_rows(plan, program, density)
    if has_prior_draws(plan, program):
        found["sample_prior"] = ()
    if posterior_sums(plan):
        found["sample_posterior"] = found["log_prob"]
    if element_sums(plan):
        found["sample_elements"] = found["log_prob"]
    if summed_values(plan):
        found["posterior_probs"] = found["log_prob"]
    if mean_factors(plan, program):
        found["conditional_mean"] = _mean_inputs(plan, program)
    if left_out_factors(plan):
        found["impute"] = _complete_inputs(plan)
    return found | steps_of_chain(plan, program)


def _energy_methods(plan: Plan, program: ProgramPlan) -> Methods:
    graph = plan.graph.graph.programs[program.name]
    found = {
        let.method: let.inputs
        for name, let in program.lets.items()
        if name in (ENERGY, FREE_ENERGY)
    }
    drawn = tuple(each for name in graph.units for each in program.factors[name].needs)
    drawn += program.lets[ENERGY].inputs if moved(graph) else ()
    given = _given(plan, program, drawn)
    if plan.objective.likelihood is not None:
        found |= _densities_of_energy(plan, program, plan.objective.likelihood)
    terms = (t for player in plan.objective.players for t in walk(player.minimize))
    for term in (term for term in terms if isinstance(term, Conditionals)):
        used = values_behind(plan, program.name, (term.node,))
        found[PSEUDO] = tuple(n for n in program.order if n in used)
    found[chain_method(graph)] = (*chain_state(graph), *given)
    if FREE_ENERGY not in program.lets and hidden(graph):
        found["mean_field"] = conditions_of_hidden(graph, given)
    own = tuple(each for name in below(graph) for each in program.factors[name].needs)
    joint = unnormalized_joint(plan.graph.graph)
    if joint is not None:
        behind = tuple(each for p in joint.parts for each in _inputs_of(program, p.term))
        used = values_behind(plan, program.name, behind)
        found[UNNORMALIZED] = tuple(n for n in program.order if n in used)
    found["sample"] = _given(plan, program, (*drawn, *own))
    if mean_factors(plan, program):
        found["conditional_mean"] = _mean_inputs(plan, program)
    return found


def _inputs_of(program: ProgramPlan, term: Term) -> tuple[Input, ...]:
    """Return what an energy, or a density with its own value, depends on."""
    if isinstance(term, LogProb):
        factor = program.factors[term.node]
        return (*factor.needs, *factor.values)
    assert isinstance(term, Energy)
    return program.lets[term.node].inputs


def _given(plan: Plan, program: ProgramPlan, inputs: tuple[Input, ...]) -> tuple[str, ...]:
    """Return the given nodes that some inputs depend on, in order."""
    nodes = plan.graph.graph.programs[program.name].nodes
    used = values_behind(plan, program.name, inputs)
    return tuple(n for n in program.order if nodes[n].role == "given" and n in used)


def _densities_of_energy(plan: Plan, program: ProgramPlan, density: Sum) -> Methods:
    """Return the methods of log p of the data under an energy, in order."""
    found: dict[str, tuple[Input, ...]] = {}
    taken: set[Input] = set()
    for part in density.parts:
        assert isinstance(part.term, Energy)
        used = set(values_behind(plan, program.name, (part.term.node,))) - set(part.term.bound)
        taken |= used
        if isinstance(part.term, StateSum):
            name = "log_z" if part is density.parts[-1] else "free_energy"
            found[name] = tuple(n for n in program.order if n in used)
    return {**found, "log_prob": tuple(n for n in program.order if n in taken)}


def chain_method(graph: Program) -> str:
    """Return the name of the method that takes steps of the chain of an energy."""
    return "chain" if moved(graph) else "gibbs"


def _guide_methods(plan: Plan, program: ProgramPlan) -> Methods:
    found: dict[str, tuple[Input, ...]] = {}
    draws, (of_rows, shared) = plan.objective.draws, split(program)
    has_draws = any(f.node.name in draws for f in of_rows)
    has_shared = all(f.node.name in draws for f in shared)
    if has_draws and has_shared and densities_are_paired(plan.graph, GUIDE):
        found["sample_and_log_prob"] = _guide_inputs(plan, program)
    if guided_globals(plan):
        found["sample_global"] = ()
        found["sample_global_and_log_prob"] = ()
    if "sample_and_log_prob" in found and predicted_factors(plan):
        inputs = (name for factor in predicted_factors(plan) for name in factor.inputs)
        found["predict_log_proba"] = tuple(dict.fromkeys(inputs))
    return found | steps_of_chain(plan, program)


def _used(plan: Plan, program: ProgramPlan) -> dict[Input, None]:
    """Return the random and given values that the nodes of a program depend on."""
    inputs = [each for factor in program.factors.values() for each in factor.needs]
    inputs += [each for let in program.lets.values() for each in let.inputs]
    return values_behind(plan, program.name, tuple(inputs))


def shared_points(program: ProgramPlan) -> tuple[str, ...]:
    """Return the latents with a learnable point that all rows share."""
    own = (i for i in program.learnable if i.node.role != "parameter" and not i.of_rows)
    return tuple(item.node.name for item in own)


def posterior_latents(plan: Plan, program: ProgramPlan) -> tuple[str, ...]:
    """Return the latents that all rows share, of which chains or a guide draw from the posterior.

    Those that a guide draws precede those with a learnable point.
    """
    drawn = guided_globals(plan)
    if not drawn and not plan.objective.is_sampled:
        return ()
    return (*drawn, *(name for name in shared_points(program) if name not in drawn))


def has_prior_draws(plan: Plan, program: ProgramPlan) -> bool:
    """Whether latents that all rows share have a posterior, and each a prior to draw from."""
    own = set(drawn_of_prior(plan, program))
    is_proper = not any(factor.entry.improper for factor in split(program)[1])
    return bool(own) and is_proper and own == set(posterior_latents(plan, program))


def posterior_sums(plan: Plan) -> tuple[Reduce, ...]:
    """Return the sums over latents whose posterior can be drawn from, none inside another one.

    There are none if rows share a latent, data are filled in, or chains draw parameters.
    """
    density, fills = plan.objective.likelihood, any(d.fills for d in plan.objective.draws.values())
    if density is None or fills or plan.objective.is_sampled or is_stochastic(plan):
        return ()
    found = tuple(part.term for part in density.parts if isinstance(part.term, Reduce))
    inner = (t for term in found for t in walk(term.term))
    if any(isinstance(term, Reduce) for term in inner):
        return ()
    return found if all(term.how != "elements" for term in found) else ()


def element_sums(plan: Plan) -> tuple[Reduce, ...]:
    """Return the sums over the latents of elements whose rows depend on each other.

    There are none if one of these latents is inside another sum, so that it has no posterior given
    all rows, and if data are filled in.
    """
    density, coupled = plan.objective.likelihood, set(plan.objective.coupled)
    fills = any(d.fills for d in plan.objective.draws.values())
    if density is None or not coupled or fills or is_stochastic(plan):
        return ()
    top = (part.term for part in density.parts if isinstance(part.term, Reduce))
    found = tuple(t for t in top if coupled & set(t.axes) and is_of_rows(plan.graph, t))
    return found if sorted(name for t in found for name in t.axes) == sorted(coupled) else ()


def posterior_elements(plan: Plan) -> tuple[str, ...]:
    """Return the latents of elements that have a posterior given all rows."""
    return tuple(name for term in element_sums(plan) for name in term.axes)


def summed_values(plan: Plan) -> tuple[str, ...]:
    """Return the finite latents that are summed out of log p(x); none if data are filled in."""
    density, draws = plan.objective.likelihood, plan.objective.draws
    if density is None or is_stochastic(plan) or any(draw.fills for draw in draws.values()):
        return ()
    inside = summed_in(density.parts)
    return tuple(n for n in plan.objective.enumerated if n in inside and draws[n].is_enumerated)


def _prior_inputs(plan: Plan, program: ProgramPlan, parts: tuple[Part, ...]) -> tuple[Input, ...]:
    named = (t for part in parts for _, t in densities_in(part.term))
    factors = [program.factors[t.node] for t in named]
    summed = summed_in(parts)
    return tuple(n for n in _joint_inputs(plan, program, factors) if n not in summed)


def likelihood_of_rows(plan: Plan) -> Sum | None:
    """Return the terms of log p(x | z) with z the latents of rows that a sampler draws.

    None without such latents, or if one is inside a sum over a latent that is summed out.
    """
    joint = plan.objective.joint
    if joint is None or not plan.objective.is_sampled:
        return None
    drawn = {i.node.name for i in plan.programs[MODEL].learnable if i.of_rows}
    kept = [part for part in joint.parts if not is_shared(plan, part)]
    priors = [p for p in kept if isinstance(p.term, LogProb) and p.term.node in drawn]
    rest = tuple(p for p in kept if p not in priors)
    inside = {t.node for p in rest for _, t in densities_in(p.term) if isinstance(t, LogProb)}
    return Sum(rest) if rest and not inside & drawn else None


def _inputs_of_rows(plan: Plan, program: ProgramPlan, density: Sum) -> tuple[Input, ...]:
    """Return the inputs of a density of rows, without latents that are summed out."""
    names = [t.node for _, t in densities_in(density) if isinstance(t, LogProb)]
    factors = [program.factors[name] for name in dict.fromkeys(names)]
    return _without_summed(plan, _joint_inputs(plan, program, factors))


def sampled_values(plan: Plan, program: ProgramPlan) -> tuple[str, ...]:
    """Return the deterministic nodes in a sample: those with the name of a field of the data.

    If no node is random and none has the name of a field, all deterministic nodes are returned.
    """
    fields = plan.graph.graph.fields
    found = tuple(name for name in program.lets if name in fields)
    return found or (() if program.factors else tuple(program.lets))


# properties of factors


def global_draws(plan: Plan) -> tuple[Factor, ...]:
    """Return the draws of global latents from the guide, in their order."""
    if GUIDE not in plan.programs:
        return ()
    program, draws = plan.programs[GUIDE], plan.objective.draws
    factors = (program.factors[n] for n in program.order if n in program.factors)
    return tuple(f for f in factors if f.node.name in draws and not is_local(f))


def guided_globals(plan: Plan) -> tuple[str, ...]:
    """Return the global latents that the guide draws, in order of the draws."""
    return tuple(name for factor in global_draws(plan) for name in factor.values)


def is_stochastic(plan: Plan) -> bool:
    """Whether log p(x) has a cheap unbiased estimate, for which its methods take `noise`."""
    factors = plan.programs[MODEL].factors.values()
    return any(f.flow is not None and f.flow.stochastic for f in factors)


def mean_factors(plan: Plan, program: ProgramPlan) -> list[Factor]:
    """Return the observed nodes whose conditional mean is known."""
    nodes = plan.graph.graph.model.nodes
    return [
        f for f in program.factors.values() if nodes[f.node.name].role == "observed" and f.has_mean
    ]


def left_out_factors(plan: Plan) -> list[Factor]:
    """Return the observed nodes whose missing entries are left out of the density."""
    factors = plan.programs[MODEL].factors
    return [factors[name] for name, missing in plan.missing.items() if not missing.fills]


def predicted_factors(plan: Plan) -> list[Factor]:
    """Return the finite scalars that the guide draws from data alone if they are missing."""
    if GUIDE not in plan.programs:
        return []
    factors = plan.programs[GUIDE].factors
    given = set(plan.with_known(plan.data)) - set(factors)
    return [
        factors[name]
        for name, missing in plan.missing.items()
        if missing.fills and name in factors and _depends_on(factors[name], given)
    ]


def _depends_on(factor: Factor, given: set[Input]) -> bool:
    """Whether a factor is of a finite scalar, and depends on given data alone."""
    single = not factor.type.shape and factor.entry.finite
    return single and bool(factor.inputs) and set(factor.inputs) <= given


# inputs of functions


def _joint_inputs(plan: Plan, program: ProgramPlan, factors: list[Factor]) -> tuple[Input, ...]:
    found: dict[Input, None] = {}
    for factor in factors:
        found.update(values_behind(plan, program.name, factor.needs))
        found.update(dict.fromkeys(factor.values))
    order = {name: i for i, name in enumerate(program.order)}
    named = sorted((n for n in found if isinstance(n, str)), key=order.__getitem__)
    masks = (n for n in found if isinstance(n, Mask))
    filled = {Mask(name) for name in plan.filled}
    return tuple(n for n in plan.with_known([*named, *masks]) if n not in filled)


def _without_summed(plan: Plan, inputs: tuple[Input, ...]) -> tuple[Input, ...]:
    """Return the inputs without latents that are summed out beside latents that chains draw."""
    if plan.objective.joint is None:
        return inputs
    draws = plan.objective.draws.items()
    summed = {name for name, draw in draws if draw.has_axis and draw.program == MODEL}
    return tuple(n for n in inputs if n not in summed)


def _guide_inputs(plan: Plan, program: ProgramPlan) -> tuple[Input, ...]:
    """Return what the draws of the latents of rows depend on, such as latents that rows share."""
    found: dict[Input, None] = {}
    own = {factor.node.name: factor for factor in split(program)[0]}
    for factor in own.values():
        found.update(values_behind(plan, program.name, factor.needs))
    drawn = (n for n in own if n in plan.missing and n in plan.objective.draws)
    data = plan.with_known([*(n for n in found if n not in own), *drawn])
    unused = {Mask(n) for n, m in plan.missing.items() if not m.fills} - set(found)
    data = tuple(n for n in data if n not in unused)
    return data or plan.counted  # at least the number of rows


def _likelihood_inputs(plan: Plan, program: ProgramPlan) -> tuple[Input, ...]:
    taken = _joint_inputs(plan, program, split(program)[0])
    drawn = plan.objective.draws
    found = plan.with_known(n for n in taken if n not in drawn or n in plan.missing)
    return found or plan.counted


def _mean_inputs(plan: Plan, program: ProgramPlan) -> tuple[Input, ...]:
    found: dict[Input, None] = {}
    for factor in mean_factors(plan, program):
        found.update(values_behind(plan, program.name, factor.inputs))
    return tuple(found)


def _complete_inputs(plan: Plan) -> tuple[Input, ...]:
    found: dict[Input, None] = {}
    for factor in left_out_factors(plan):
        found.update(values_behind(plan, MODEL, factor.needs))
        found[factor.node.name] = None
    return plan.with_known(found)


# losses


def losses(plan: Plan) -> dict[str, Loss]:
    """Return the loss of each player by the player's name."""
    return {player.name: _loss(plan, player) for player in plan.objective.players}


def _loss(plan: Plan, player: Player) -> Loss:
    """Return the loss of a player with its inputs, in the order of the model."""
    densities = (t for _, t in densities_in(player.bound) if isinstance(t, LogProb))
    return Loss(
        function=function_of(player.name),
        inputs=_loss_inputs(plan, player),
        shares=MappingProxyType(
            {plan.missing[t.node].fraction: t.node for t in densities if t.rows == "known"}
        ),
        needs_data_size=plan.objective.is_sampled
        or any(is_shared(plan, part) for part in player.parts),
        scalars=MappingProxyType({f.scalar: f.target for f in _of_the_step(plan, player)}),
        weights=MappingProxyType(weights_of(plan, player.parts)),
    )


def weights_of(plan: Plan, parts: Iterable[Part]) -> dict[str, str]:
    """Return the arguments that weigh elements of plates in some terms, by the plate."""
    terms = [term for part in parts for term in walk(part.term)]
    nodes = [(t.program, t.node) for t in terms if isinstance(t, LogProb)]
    nodes += [(MODEL, t.node) for t in terms if isinstance(t, Divergence)]
    used = {plate for node in nodes for plate in plan.graph.types[node].plates}
    return {plate: name for plate, name in plan.weights.items() if plate in used}


def _of_the_step(plan: Plan, player: Player) -> Iterator[Function]:
    """Yield the functions in a loss whose result each step passes to it."""
    functions = plan.graph.graph.functions
    called = (t.op for t in walk(player.bound) if isinstance(t, Apply))
    yield from (functions[op] for op in called if op in functions and functions[op].scalar)


def density_method(plan: Plan, player: Player) -> str:
    """Return the method of the model whose mean over rows is the bound, if there is one."""
    if plan.objective.is_likelihood(player):
        return "log_prob"
    if plan.objective.is_sampled:
        return "log_joint"
    return PSEUDO if any(isinstance(part.term, Conditionals) for part in player.parts) else ""


def _loss_inputs(plan: Plan, player: Player) -> tuple[Input, ...]:
    if whole := density_method(plan, player):
        found = plan.methods[MODEL].get(whole, ())
    else:
        used: dict[Input, None] = {}
        for _, term in densities_in(player.bound):
            programs = (GUIDE, MODEL) if not isinstance(term, LogProb) else (term.program,)
            for program in programs:
                factor = plan.program(program).factors[term.node]
                used.update(values_behind(plan, program, factor.needs))
                used.update(dict.fromkeys(factor.values))
        for energy in (t for t in walk(player.bound) if isinstance(t, Energy)):
            used.update(values_behind(plan, energy.program, (energy.node,)))
        used.update(_start_of_chains(plan, player))
        if player.moves is not None:
            used.update(dict.fromkeys(plan.methods[MODEL]["log_joint"]))
        values = [t.expression for t in walk(player.bound) if isinstance(t, Value)]
        for value in (value for value in values if not isinstance(value, Number)):
            program, name = value_node(value)
            used.update(values_behind(plan, program, (name,)))
        for draw in player.draws.values():
            factor = plan.program(draw.program).factors[draw.node]
            used.update(values_behind(plan, draw.program, factor.inputs))
            used.update(dict.fromkeys(factor.values if draw.fills else ()))
            baseline = (draw.baseline,) if draw.baseline else ()
            used.update(values_behind(plan, draw.program, baseline))
        found = tuple(used)
    counted = _counted(plan, player, found)
    taken = plan.with_known(n for n in plan.data if n in found or n in counted)
    return taken or plan.counted


def _start_of_chains(plan: Plan, player: Player) -> dict[Input, None]:
    """The data at which chains start, unless they go on where they stopped."""
    if player.chain is None or player.chain.persistent:
        return {}
    copy = plan.graph.graph.programs[player.chain.program]
    return dict.fromkeys(chain_state(plan.graph.graph.programs[copy.copy_of]))


def _counted(plan: Plan, player: Player, found: tuple[Input, ...]) -> list[str]:
    """Data that say how many rows the draws of a loss have, of each source with no other data."""
    if len(plan.counts) < 2:
        return []
    kinds = (plan.program(d.program).factors[d.node].type for d in player.draws.values())
    drawn = {kind.source for kind in kinds if kind.is_local}
    drawn -= {plan.source_of(name) for name in found if name in plan.data}
    return [next(name for name in plan.data if plan.source_of(name) == each) for each in drawn]
