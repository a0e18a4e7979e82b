"""Lowers Markov chains of programs with an energy: steps of block Gibbs sampling, and samples."""

from __future__ import annotations

from collections.abc import Sequence

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Literal, Name, Signed
from specc.codegen.code.statements import Define, For, Function, Parameter, Return
from specc.codegen.layout import Layout
from specc.codegen.lower.densities import parameters
from specc.codegen.lower.draws import sample
from specc.codegen.lower.scope import NOISE, Scope, shape_of
from specc.codegen.lower.terms import Terms, signed_as
from specc.codegen.lower.values import computed, prepare
from specc.codegen.plan import Factor, Input, Plan, ProgramPlan
from specc.codegen.text import term_formula
from specc.graph.blocks import blocks, chain_state, conditions, latents
from specc.graph.graph import Program
from specc.objective.objective import Chain, Player
from specc.objective.terms import Energy, Part

SELF = Name("self")
FIXED_POINT = code.function("specc.runtime.draws.mean_field.fixed_point")
TENSORS = "dict[str, Tensor]"
STEPS, LEAST_STEPS = 1000, 100
"""The number of steps from zeros to a sample, and its least value for units of many colors."""


def _scope(plan: Plan, program: ProgramPlan) -> Scope:
    owners: dict[str, Code] = {program.name: SELF}
    return Scope(plan, {}, owners, Layout(), has_noise=True)


def gibbs(plan: Plan, program: ProgramPlan) -> Function:
    """Return `gibbs`: steps of a Markov chain that draws each block of units given the others."""
    graph = plan.graph.graph.programs[program.name]
    scope = _scope(plan, program)
    used = dict.fromkeys(n for unit in graph.units for n in program.factors[unit].given)
    prepare(scope, program.name, tuple(n for n in used if n not in graph.units))
    with scope.block() as body:
        for block in blocks(graph):
            for name in block:
                factor = program.factors[name]
                with scope.on(program.name, name):
                    formula = f"{program.density_name}({factor.conditional})"
                    scope.comment(f"{formula} = {factor.sampled_from}")
                    _draw_unit(scope, factor)
    scope.add(For(("_",), code.call(Name("range"), Name("steps")), tuple(body)))
    items = tuple((plan.python[n], scope.variable(n)) for n in graph.units)
    scope.add(Return(code.Dict(items)))
    order = "; ".join(_draws(graph, block) for block in blocks(graph))
    inputs = plan.methods[program.name]["gibbs"]
    return Function(
        name="gibbs",
        parameters=(Parameter("noise", "Noise"),),
        keywords=(
            *(Parameter(plan.python[n], "Tensor") for n in inputs),
            Parameter("steps", "int"),
        ),
        returns=TENSORS,
        docstring=f"Take steps of block Gibbs sampling: {order}.",
        body=(*scope.head(inputs), *scope.statements),
        without_gradient=True,
    )


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
    colors = [name for name in block if name in others]
    given = [*(f"the rest of {name}" for name in colors), *(n for n in others if n not in colors)]
    condition = f" | {', '.join(given)}" if given else ""
    return f"{', '.join(block)}{condition}{', color by color' if colors else ''}"


def _steps(program: ProgramPlan) -> int:
    """Return the number of steps of a sample, fewer where each step draws entry after entry."""
    most = max((f.colors.count for f in program.factors.values() if f.colors), default=1)
    return max(LEAST_STEPS, 2 * STEPS // max(most, 2))


def mean_field(plan: Plan, program: ProgramPlan) -> Function:
    """Return `mean_field`: the means of the latent units given the observed ones, under q."""
    graph = plan.graph.graph.programs[program.name]
    scope, hidden = _scope(plan, program), latents(graph)
    inputs, names = plan.methods[program.name]["mean_field"], [plan.python[n] for n in hidden]
    with scope.block() as body:
        for name in (name for block in blocks(graph) for name in block if name in hidden):
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
    starts = [_zeros(scope, program, inputs[0], name) for name in hidden]
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
        docstring=_about_mean_field(hidden, inputs),
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
    scope = _scope(plan, program)
    state = chain_state(graph)
    for name in state:
        shape = plan.graph.types[program.name, name].shape
        zeros = code.method(NOISE, "zeros", shape_of((Name("rows"), *shape)))
        scope.assign(plan.python[name], zeros)
    inputs = plan.methods[program.name]["gibbs"]
    given: dict[str, object] = {plan.python[n]: scope.variable(n) for n in inputs}
    scope.add(Return(code.method(SELF, "gibbs", NOISE, **given, steps=Name("steps"))))
    return Function(
        name="sample",
        parameters=(Parameter("noise", "Noise"), Parameter("rows", "int")),
        keywords=(
            *(Parameter(plan.python[n], "Tensor") for n in plan.methods[program.name]["sample"]),
            Parameter("steps", "int", str(_steps(program))),
        ),
        returns=TENSORS,
        docstring="Draw `rows` rows from the model, by a chain for each that starts at zeros.",
        body=tuple(scope.statements),
    )


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
    wanted = latents(graph)
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
    started: dict[str, object] = {
        plan.python[n]: _start(scope, chain, n, n in state)
        for n in plan.methods[copy.copy_of]["gibbs"]
        if isinstance(n, str)
    }
    draws = player.draws.values()
    scope.comment(next(draw.reason for draw in draws if draw.program == chain.program))
    made = code.method(scope.owners[copy.copy_of], "gibbs", NOISE, **started, steps=chain.steps)
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
