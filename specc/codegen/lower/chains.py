"""Lowers Markov chains of programs with an energy, and samples.

A step draws each block of units given the others: exactly, which is block Gibbs sampling, or by a
transition along the gradient of the energy.
"""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import SELF, Code, Literal, Name, Signed
from specc.codegen.code.statements import Define, For, Function, Parameter, Return
from specc.codegen.layout import Layout
from specc.codegen.lower.densities import parameters
from specc.codegen.lower.draws import draw, sample
from specc.codegen.lower.scope import NOISE, Scope, shape_of
from specc.codegen.lower.terms import Terms, signed_as
from specc.codegen.lower.values import computed, prepare
from specc.codegen.plan import Factor, Input, Plan, ProgramPlan
from specc.codegen.signatures import chain_method
from specc.codegen.text import term_formula
from specc.graph.blocks import (
    below,
    blocks,
    chain_state,
    conditions,
    hidden,
    moved,
    of_units,
)
from specc.graph.graph import ENERGY, Program
from specc.objective.objective import Chain, Player
from specc.objective.terms import Energy, Part

FIXED_POINT = code.function("specc.runtime.draws.mean_field.fixed_point")
TENSORS = "dict[str, Tensor]"
STEPS, LEAST_STEPS = 1000, 100
"""The number of steps from zeros to a sample, and its least value for units of many colors."""


def _scope(plan: Plan, program: ProgramPlan) -> Scope:
    owners: dict[str, Code] = {program.name: SELF}
    return Scope(plan, {}, owners, Layout(), has_noise=True)


def chain(plan: Plan, program: ProgramPlan) -> Function:
    """Return `gibbs`: steps of a Markov chain that draws each block of units given the others.

    Its name is `chain` if some of the units move along the gradient of the energy.
    """
    graph = plan.graph.graph.programs[program.name]
    scope, name = _scope(plan, program), chain_method(graph)
    _prepare_given(scope, program, graph)
    if moved(graph) == graph.units[:1] == graph.units:
        _move(scope, program, graph.units[0], steps=Name("steps"))
    else:
        _sweeps(scope, program, graph)
    items = tuple((plan.python[n], scope.variable(n)) for n in graph.units)
    scope.add(Return(code.Dict(items)))
    order = "; ".join(_draws(graph, block) for block in blocks(graph))
    what = "the chain" if moved(graph) else "block Gibbs sampling"
    inputs = plan.methods[program.name][name]
    return Function(
        name=name,
        parameters=(Parameter("noise", "Noise"),),
        keywords=(
            *(Parameter(plan.python[n], "Tensor") for n in inputs),
            Parameter("steps", "int"),
        ),
        returns=TENSORS,
        docstring=f"Take steps of {what}: {order}.",
        body=(*scope.head(inputs), *scope.statements),
        without_gradient=True,
    )


def _prepare_given(scope: Scope, program: ProgramPlan, graph: Program) -> None:
    """Emit the values that are the same in all steps: those computed from given ones."""
    used = dict.fromkeys(n for unit in graph.units for n in program.factors[unit].given)
    if moved(graph):
        used |= dict.fromkeys(_behind_energy(program, graph))
    of_chain = {*graph.units, *of_units(graph, used)}
    prepare(scope, program.name, tuple(n for n in used if n not in of_chain))


def _behind_energy(program: ProgramPlan, graph: Program) -> list[str]:
    """Return the computed values that the energy depends on, in order."""
    assert graph.energy is not None
    behind = nx.ancestors(graph.digraph, graph.energy.name)
    return [name for name in program.order if name in behind and name in program.lets]


def _sweeps(scope: Scope, program: ProgramPlan, graph: Program) -> None:
    """Emit a loop over steps, each of which draws all blocks."""
    with scope.block() as body:
        for block in blocks(graph):
            for name in block:
                factor = program.factors[name]
                if factor.node.is_moved:
                    _move(scope, program, name)
                    continue
                with scope.on(program.name, name):
                    formula = f"{program.density_name}({factor.conditional})"
                    scope.comment(f"{formula} = {factor.sampled_from}")
                    _draw_unit(scope, factor)
    scope.add(For(("_",), code.call(Name("range"), Name("steps")), tuple(body)))


def _move(scope: Scope, program: ProgramPlan, name: str, **keywords: object) -> None:
    """Emit `x = mala.run(noise, lambda x: -self.energy(x), x, step_size=0.1)`.

    If the energy has values that are computed from the unit, they are computed in a function.
    """
    factor, energy = program.factors[name], program.lets[ENERGY]
    draw, unit = factor.node.draw, scope.variable(name)
    assert draw is not None
    graph = scope.plan.graph.graph.programs[program.name]
    with scope.on(program.name, name):
        scope.comment(f"{factor.conditional} ~ {factor.sampled_from}")
        behind = _behind_energy(program, graph)
        above = nx.descendants(graph.digraph, name)
        prepare(scope, program.name, tuple(own for own in behind if own not in above))
        with scope.block() as body:
            prepare(scope, program.name, energy.inputs)
            value = code.Unary("-", computed(scope, energy))
            scope.add(Return(value))
        for own in of_units(graph, behind):
            scope.unmark_value(graph.nodes[own])
        density: Code = code.as_function(unit.id, value)
        if len(body) > 1:
            taken = (Parameter(unit.id, "Tensor"),)
            made = Function("log_density", taken, (), "Tensor", "", tuple(body), is_method=False)
            scope.add(Define(made))
            density = Name(made.name)
        options = {key: own for key, own in draw.options.items() if own is not None}
        run = code.member(f"specc.runtime.chains.{draw.kind}", "run")
        scope.assign(unit.id, code.call(run, NOISE, density, unit, **keywords, **options))


def _draw_unit(scope: Scope, factor: Factor) -> None:
    """Emit a sample of a unit; entries that interact are drawn color by color."""
    colors = factor.colors
    if colors is None:
        sample(scope, factor, "sample")
        return
    unit, (argument,) = scope.variable(factor.node.name), factor.tensors
    with scope.block() as body:
        same = code.Binary("==", code.Attribute(SELF, colors.attribute), Name("color"))
        scope.assign("chosen", same)
        neutral = code.call(code.torch("where"), Name("chosen"), colors.neutral, unit)
        given = [neutral if n == factor.node.name else scope.variable(n) for n in factor.given]
        scope.assign(argument.local, code.method(SELF, factor.method, *given))
        drawn = code.call(scope.density(factor, "sample"), NOISE, *scope.arguments(factor))
        chosen = code.call(code.torch("where"), Name("chosen"), drawn, unit)
        scope.assign(unit.id, chosen)
    scope.add(For(("color",), code.call(Name("range"), colors.count), tuple(body)))


def _draws(graph: Program, block: tuple[str, ...]) -> str:
    others: dict[str, None] = {}
    for name in block:
        others |= dict.fromkeys(conditions(graph, name))
    draws = [node.draw for name in block if (node := graph.nodes[name]).is_moved]
    by = f" by {draws[0].kind}" if draws and draws[0] is not None else ""
    colors = [name for name in block if name in others]
    given = [*(f"the rest of {name}" for name in colors), *(n for n in others if n not in colors)]
    condition = f" | {', '.join(given)}" if given else ""
    return f"{', '.join(block)}{condition}{', color by color' if colors else ''}{by}"


def _steps(program: ProgramPlan) -> int:
    """Return the number of steps of a sample, fewer where each step draws entry after entry."""
    most = max((f.colors.count for f in program.factors.values() if f.colors), default=1)
    return max(LEAST_STEPS, 2 * STEPS // max(most, 2))


def mean_field(plan: Plan, program: ProgramPlan) -> Function:
    """Return `mean_field`: the means of the latent units given the observed ones, under q."""
    graph = plan.graph.graph.programs[program.name]
    scope, inner = _scope(plan, program), hidden(graph)
    inputs, names = plan.methods[program.name]["mean_field"], [plan.python[n] for n in inner]
    with scope.block() as body:
        for name in (name for block in blocks(graph) for name in block if name in inner):
            factor = program.factors[name]
            with scope.on(program.name, name):
                parameters(scope, factor)
                mean = code.call(scope.density(factor, "mean"), *scope.arguments(factor))
                scope.assign(plan.python[name], mean)
        scope.add(Return(code.Tuple(tuple(map(Name, names)))))
    taken = tuple(Parameter(name, "Tensor") for name in names)
    returns = f"tuple[{', '.join(['Tensor'] * len(names))}]"
    update = Function("update", taken, (), returns, "", tuple(body), is_method=False)
    scope.add(Define(update))
    starts = [_zeros(scope, program, inputs[0], name) for name in inner]
    made = code.call(FIXED_POINT, Name("update"), *starts, tolerance=Name("tolerance"))
    scope.assign(tuple(names), made if len(names) > 1 else code.Subscript(made, (Literal(0),)))
    scope.add(Return(code.Dict(tuple((name, Name(name)) for name in names))))
    return Function(
        name="mean_field",
        parameters=(),
        keywords=(
            *(Parameter(plan.python[n], "Tensor") for n in inputs),
            Parameter("tolerance", "float"),
        ),
        returns=TENSORS,
        docstring=_about_mean_field(inner, inputs),
        body=(*scope.head(inputs), *scope.statements),
        without_gradient=True,
    )


def _about_mean_field(hidden: Sequence[str], inputs: Sequence[object]) -> str:
    left = f"p({', '.join(hidden)} | {', '.join(map(str, inputs))})"
    product = " ".join(f"q({name})" for name in hidden)
    return f"Return the means of q = {product} nearest to {left}."


def _zeros(scope: Scope, program: ProgramPlan, like: Input, name: str) -> Code:
    """Return zeros for a latent unit in each row."""
    sizes = scope.plan.graph.types[program.name, name].shape
    return code.method(scope.variable(like), "new_zeros", shape_of((Name("rows"), *sizes)))


def sample_by_chain(plan: Plan, program: ProgramPlan) -> Function:
    """Return `sample`: the units after many steps of a chain that starts at zeros."""
    graph = plan.graph.graph.programs[program.name]
    scope, method = _scope(plan, program), chain_method(graph)
    state = chain_state(graph)
    for name in state:
        shape = plan.graph.types[program.name, name].shape
        start = "normal" if graph.nodes[name].is_moved else "zeros"
        made = code.method(NOISE, start, shape_of((Name("rows"), *shape)))
        scope.assign(plan.python[name], made)
    inputs = plan.methods[program.name][method]
    given: dict[str, object] = {plan.python[n]: scope.variable(n) for n in inputs}
    made = code.method(SELF, method, NOISE, **given, steps=Name("steps"))
    if below(graph):
        _draw_below(scope, program, graph, made)
    else:
        scope.add(Return(made))
    start = "noise" if moved(graph) else "zeros"
    about = f"Draw `rows` rows from the model, by a chain for each that starts at {start}."
    if below(graph):
        about = f"Draw `rows` rows: units by chains that start at {start}, then the nodes below."
    return Function(
        name="sample",
        parameters=(Parameter("noise", "Noise"), Parameter("rows", "int")),
        keywords=(
            *(Parameter(plan.python[n], "Tensor") for n in plan.methods[program.name]["sample"]),
            Parameter("steps", "int", str(_steps(program))),
        ),
        returns=TENSORS,
        docstring=about,
        body=tuple(scope.statements),
    )


def _draw_below(scope: Scope, program: ProgramPlan, graph: Program, chain: Code) -> None:
    """Emit the units at the end of a chain, and a draw of each node below them."""
    plan = scope.plan
    scope.assign("units", chain)
    for name in graph.units:
        scope.mark_value(graph.nodes[name])
        end = code.Subscript(Name("units"), (Literal(plan.python[name]),))
        scope.assign(plan.python[name], end)
        scope.inherit(program.name, name, ())
    for name in below(graph):
        with scope.on(program.name, name):
            draw(scope, program, name, "sample")
    drawn = (*graph.units, *below(graph))
    scope.add(Return(code.Dict(tuple((plan.python[n], scope.variable(n)) for n in drawn))))


# the loss


def draw_units(scope: Scope, terms: Terms, player: Player, program: str) -> list[tuple[str, Code]]:
    """Emit the values of the units of a program, by mean-field updates or by chains.

    Returns the state after the step. A call after the first one emits nothing.
    """
    assert player.chain is not None
    if not scope.once("units", program, ""):
        return []
    if program == player.chain.program:
        return _draw_chain(scope, terms, player)
    graph = scope.plan.graph.graph.programs[program]
    wanted = tuple(n for n in hidden(graph) if player.draws[n].entry.chain)
    scope.comment(player.draws[wanted[0]].reason)
    given: dict[str, object] = {
        scope.plan.python[n]: scope.variable(n) for n in scope.plan.methods[program]["mean_field"]
    }
    tolerance = player.chain.tolerance
    made = code.method(scope.owners[program], "mean_field", **given, tolerance=tolerance)
    name = terms.fresh("means")
    scope.assign(name, made)
    for unit in wanted:
        scope.mark_value(graph.nodes[unit])
        mean = code.Subscript(Name(name), (Literal(scope.plan.python[unit]),))
        scope.assign(scope.python(unit), mean)
        scope.inherit(program, unit, ())
    return []


def _draw_chain(scope: Scope, terms: Terms, player: Player) -> list[tuple[str, Code]]:
    """Emit `chain = model.gibbs(noise, v=v, steps=1)`, and the values of the units in it.

    Returns the state after the step: the values at which persistent chains stop.
    """
    chain, plan = player.chain, scope.plan
    assert chain is not None
    copy = plan.graph.graph.programs[chain.program]
    original = plan.graph.graph.programs[copy.copy_of]
    state, name = chain_state(original), terms.fresh("chain")
    method = chain_method(original)
    started: dict[str, object] = {
        plan.python[n]: _start(scope, chain, n, n in state)
        for n in plan.methods[copy.copy_of][method]
        if isinstance(n, str)
    }
    draws = (draw for draw in player.draws.values() if draw.program == chain.program)
    scope.comment(next(draw.reason for draw in draws if draw.entry.chain))
    made = code.method(scope.owners[copy.copy_of], method, NOISE, **started, steps=chain.steps)
    scope.assign(name, made)
    drawn = {n: code.Subscript(Name(name), (Literal(plan.python[n]),)) for n in original.units}
    for unit in (unit for unit in original.units if copy.names[unit] in player.draws):
        called = copy.names[unit]
        scope.mark_value(copy.nodes[called])
        scope.assign(scope.python(called), drawn[unit])
        scope.inherit(chain.program, called, ())
    return [(unit, drawn[unit]) for unit in state] if chain.persistent else []


def _start(scope: Scope, chain: Chain, name: str, is_state: bool) -> Code:
    """Return the value at which a chain starts: the data, or where it stopped before."""
    if chain.persistent and is_state:
        return code.Subscript(Name("state"), (Literal(name),))
    return scope.variable(name)


def contrast(scope: Scope, terms: Terms, parts: Sequence[Part]) -> dict[str, Signed]:
    """Emit the positive and the negative phase, each the mean of an energy over its own rows.

    Returns them by their formulas.
    """
    found: dict[str, Signed] = {}
    for part in parts:
        assert isinstance(part.term, Energy)
        program, formula = part.term.program, term_formula(scope.plan, part.term)
        wanted = "positive_phase" if part.coefficient > 0 else "negative_phase"
        name = terms.fresh(wanted)
        scope.comment()
        scope.comment(formula)
        let = scope.plan.program(program).lets[part.term.node]
        prepare(scope, program, let.inputs)
        scope.assign(name, code.method(computed(scope, let), "mean"))
        found[formula] = signed_as(part, Name(name))
    scope.comment()
    return found
