"""Lowers Markov chains of programs with an energy: steps of block Gibbs sampling, and samples."""

from __future__ import annotations

from collections.abc import Sequence

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Literal, Name, Signed
from specc.codegen.code.statements import For, Function, Parameter, Return
from specc.codegen.layout import Layout
from specc.codegen.lower.draws import sample
from specc.codegen.lower.scope import NOISE, Scope, shape_of
from specc.codegen.lower.terms import Terms, signed_as
from specc.codegen.lower.values import computed, prepare
from specc.codegen.plan import Plan, ProgramPlan
from specc.codegen.text import term_formula
from specc.graph.blocks import blocks, chain_state, conditions
from specc.graph.graph import Program
from specc.objective.objective import Chain, Player
from specc.objective.terms import Energy, Part

SELF = Name("self")
TENSORS = "dict[str, Tensor]"
STEPS = 1000
"""The number of steps from zeros to a sample."""


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
                    sample(scope, factor, "sample")
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


def _draws(graph: Program, block: tuple[str, ...]) -> str:
    others: dict[str, None] = {}
    for name in block:
        others |= dict.fromkeys(conditions(graph, name))
    given = f" | {', '.join(others)}" if others else ""
    return f"{', '.join(block)}{given}"


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
            Parameter("steps", "int", str(STEPS)),
        ),
        returns=TENSORS,
        docstring="Draw `rows` rows from the model, by a chain for each that starts at zeros.",
        body=tuple(scope.statements),
    )


# the loss


def draw_chain(scope: Scope, terms: Terms, player: Player) -> list[tuple[str, Code]]:
    """Emit `chain = model.gibbs(noise, v=v, steps=1)`, and the values of the units in it.

    Returns the state after the step: the values at which persistent chains stop. A call after the
    first one emits nothing.
    """
    chain, plan = player.chain, scope.plan
    assert chain is not None
    if not scope.once("chain", chain.program, ""):
        return []
    copy = plan.graph.graph.programs[chain.program]
    original = plan.graph.graph.programs[copy.copy_of]
    state, name = chain_state(original), terms.fresh("chain")
    started: dict[str, object] = {
        plan.python[n]: _start(scope, chain, n, n in state)
        for n in plan.methods[copy.copy_of]["gibbs"]
        if isinstance(n, str)
    }
    scope.comment(next(draw.reason for draw in player.draws.values() if draw.entry.chain))
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
