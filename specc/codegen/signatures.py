"""The functions of a plan and their inputs, which all other modules read from here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from specc.catalog.entry import Function
from specc.codegen.names import function_of
from specc.codegen.plan import Factor, Input, Loss, Mask, Plan, ProgramPlan
from specc.graph.blocks import chain_state, conditions_of_latents, latents
from specc.graph.graph import ENERGY, FREE_ENERGY, GUIDE, MODEL, ROWS
from specc.language.expressions.tree import Number
from specc.objective.objective import Player
from specc.objective.passes.row_sources import densities_are_paired
from specc.objective.terms import (
    Apply,
    Divergence,
    Energy,
    LogProb,
    Part,
    Reduce,
    Sum,
    Value,
    densities_in,
    value_node,
    walk,
)

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
    local, shared = split(program)
    if local and densities_are_paired(plan.graph, MODEL):
        found["log_joint"] = _joint_inputs(plan, program, local)
    if shared:
        found["log_prior"] = _joint_inputs(plan, program, shared)
    if plan.objective.likelihood is not None:
        found["log_prob"] = _likelihood_inputs(plan, program)
    nodes, used = plan.graph.graph.programs[program.name].nodes, _used(plan, program)
    found["sample"] = tuple(n for n in program.order if nodes[n].role == "given" and n in used)
    if mean_factors(plan, program):
        found["conditional_mean"] = _mean_inputs(plan, program)
    if left_out_factors(plan):
        found["impute"] = _complete_inputs(plan)
    return found


def _energy_methods(plan: Plan, program: ProgramPlan) -> Methods:
    graph = plan.graph.graph.programs[program.name]
    found = {
        let.method: let.inputs
        for name, let in program.lets.items()
        if name in (ENERGY, FREE_ENERGY)
    }
    drawn = tuple(each for factor in program.factors.values() for each in factor.needs)
    used = values_behind(plan, program.name, drawn)
    given = tuple(n for n in program.order if graph.nodes[n].role == "given" and n in used)
    found["gibbs"] = (*chain_state(graph), *given)
    if FREE_ENERGY not in program.lets and latents(graph):
        found["mean_field"] = conditions_of_latents(graph, given)
    found["sample"] = given
    if mean_factors(plan, program):
        found["conditional_mean"] = _mean_inputs(plan, program)
    return found


def _guide_methods(plan: Plan, program: ProgramPlan) -> Methods:
    found: dict[str, tuple[Input, ...]] = {}
    all_local = all(is_local(f) for f in program.factors.values())
    draws = any(name in plan.objective.draws for name in program.factors)
    if draws and all_local and densities_are_paired(plan.graph, GUIDE):
        found["sample_and_log_prob"] = _guide_inputs(plan, program)
    if guided_globals(plan):
        found["sample_global"] = ()
    if "sample_and_log_prob" in found and predicted_factors(plan):
        inputs = (name for factor in predicted_factors(plan) for name in factor.inputs)
        found["predict_log_proba"] = tuple(dict.fromkeys(inputs))
    return found


def _used(plan: Plan, program: ProgramPlan) -> dict[Input, None]:
    """Return the random and given values that the nodes of a program depend on."""
    inputs = [each for factor in program.factors.values() for each in factor.needs]
    inputs += [each for let in program.lets.values() for each in let.inputs]
    return values_behind(plan, program.name, tuple(inputs))


def sampled_values(plan: Plan, program: ProgramPlan) -> tuple[str, ...]:
    """Return the deterministic nodes in a sample: those with the name of a field of the data.

    If no node is random and none has the name of a field, all deterministic nodes are returned.
    """
    fields = plan.graph.graph.fields
    found = tuple(name for name in program.lets if name in fields)
    return found or (() if program.factors else tuple(program.lets))


# properties of factors


def is_local(factor: Factor) -> bool:
    """Whether each row has a value of its own."""
    return ROWS in factor.type.plates


def split(program: ProgramPlan) -> tuple[list[Factor], list[Factor]]:
    """Return the local factors, with a value for each row, and the global ones."""
    factors = [program.factors[n] for n in program.order if n in program.factors]
    return [f for f in factors if is_local(f)], [f for f in factors if not is_local(f)]


def guided_globals(plan: Plan) -> tuple[str, ...]:
    """Return the global latents that the guide draws, in order of the draws."""
    if GUIDE not in plan.programs:
        return ()
    program, draws = plan.programs[GUIDE], plan.objective.draws
    factors = (program.factors[n] for n in program.order if n in program.factors)
    return tuple(f.node.name for f in factors if f.node.name in draws and not is_local(f))


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


def values_behind(plan: Plan, program: str, inputs: tuple[Input, ...]) -> dict[Input, None]:
    """Return the random and given values that inputs depend on through deterministic nodes.

    Masks among the inputs are included.
    """
    found: dict[Input, None] = {}
    seen: set[str] = set()
    stack = list(reversed(inputs))
    while stack:
        name = stack.pop()
        if isinstance(name, Mask):
            found[name] = None
            continue
        node = plan.graph.graph.lookup(program, name)
        if name in seen or node is None or node.is_stepped:
            continue
        seen.add(name)
        own = plan.program(node.program)
        if name in own.lets:
            stack += reversed(own.lets[name].inputs)
        elif name in own.lagged:
            lagged = own.lagged[name]
            stack += (lagged.base, *lagged.inputs, *([lagged.lengths] if lagged.lengths else []))
        elif node.parts:
            stack += reversed(node.parts)
        else:
            found[name] = None
    return found


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


def _guide_inputs(plan: Plan, program: ProgramPlan) -> tuple[Input, ...]:
    found: dict[Input, None] = {}
    for factor in program.factors.values():
        found.update(values_behind(plan, program.name, factor.needs))
    drawn = (n for n in program.factors if n in plan.missing and n in plan.objective.draws)
    data = plan.with_known([*(n for n in found if n not in program.factors), *drawn])
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
        needs_data_size=any(is_shared(plan, part) for part in player.parts),
        scalars=MappingProxyType({f.scalar: f.target for f in _of_the_step(plan, player)}),
    )


def _of_the_step(plan: Plan, player: Player) -> Iterator[Function]:
    """Yield the functions in a loss whose result each step passes to it."""
    functions = plan.graph.graph.functions
    called = (t.op for t in walk(player.bound) if isinstance(t, Apply))
    yield from (functions[op] for op in called if op in functions and functions[op].scalar)


def _loss_inputs(plan: Plan, player: Player) -> tuple[Input, ...]:
    if plan.objective.is_likelihood(player):
        found = plan.methods[MODEL].get("log_prob", ())
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
        values = [t.expression for t in walk(player.bound) if isinstance(t, Value)]
        for value in (value for value in values if not isinstance(value, Number)):
            program, name = value_node(value)
            used.update(values_behind(plan, program, (name,)))
        for draw in player.draws.values():
            factor = plan.program(draw.program).factors[draw.node]
            used.update(values_behind(plan, draw.program, factor.inputs))
            used.update(dict.fromkeys(factor.values if draw.fills else ()))
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


def is_shared(plan: Plan, part: Part) -> bool:
    """Whether a part depends on global nodes alone, so that it counts once for all rows."""
    if isinstance(part.term, LogProb):
        return not is_local(plan.program(part.term.program).factors[part.term.node])
    if isinstance(part.term, Reduce):
        inner = part.term.term
        inside = inner.parts if isinstance(inner, Sum) else (Part(1.0, inner),)
        return all(is_shared(plan, p) for p in inside)
    if not isinstance(part.term, Divergence):
        return False
    return not is_local(plan.programs[MODEL].factors[part.term.node])
