"""Lowers the single steps of a chain that the model draws backward and the guide forward."""

from __future__ import annotations

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import Code, Name
from specc.codegen.code.statements import Function, Parameter, Return
from specc.codegen.dependencies import values_behind
from specc.codegen.layout import Layout
from specc.codegen.loops import outside, starts
from specc.codegen.lower.densities import parameters
from specc.codegen.lower.draws import draw
from specc.codegen.lower.loops import Loop, Ranked
from specc.codegen.lower.scope import Scope
from specc.codegen.lower.values import let_step, prepare
from specc.codegen.opposed_chains import START, STEP, chain_of
from specc.codegen.plan import Input, Plan, ProgramPlan

SELF, TENSOR = Name("self"), "Tensor"


def one_step(plan: Plan, program: ProgramPlan) -> Function:
    """Return `one_step(z_next, step)`: mean and standard deviation of z at a step."""
    scope, loop = _scope(plan, program)
    factor, (lagged,) = loop.factors[0], loop.lagged
    inputs = plan.methods[program.name][STEP]

    def step(name: str) -> list[Ranked]:
        if name not in program.factors:
            return let_step(scope, program, name)
        parameters(scope, program.factors[name])
        return []

    def pick(name: Input) -> Code:
        rank = scope.value(program.name, name).rank
        return code.method(scope.variable(name), "select", -1 - rank, Name("step"))

    prepare(scope, program.name, outside(program, loop.names))
    loop.at(pick, step)
    scope.add(Return(code.Tuple(tuple(scope.arguments(factor)))))
    return Function(
        name=STEP,
        parameters=(Parameter(plan.python[lagged.node.name], TENSOR), Parameter("step", "int")),
        keywords=tuple(Parameter(plan.python[name], TENSOR) for name in inputs),
        returns="tuple[Tensor, Tensor]",
        docstring=f"Mean and standard deviation of {factor.conditional}, at one step.",
        body=tuple(scope.statements),
    )


def start_of_chain(plan: Plan, program: ProgramPlan) -> Function:
    """Return `start_of_chain(noise, rows)`: draws of what the chain depends on, and its start."""
    scope, loop = _scope(plan, program)
    needed = (*outside(program, loop.names), *starts(program, loop.names))
    behind, names = values_behind(plan, program.name, needed), list[str]()
    for name in (n for n in program.order if n in program.factors):
        if name in behind:
            with scope.on(program.name, name):
                draw(scope, program, name, "sample")
            names += program.factors[name].values
    prepare(scope, program.name, starts(program, loop.names))
    values = code.Dict(tuple((plan.python[name], scope.variable(name)) for name in names))
    with scope.on(program.name, loop.factors[0].node.name):
        scope.add(Return(code.Tuple((values, loop.start()))))
    return Function(
        name=START,
        parameters=(Parameter("noise", "Noise"), Parameter("rows", "int")),
        keywords=tuple(
            Parameter(plan.python[n], TENSOR) for n in plan.methods[program.name][START]
        ),
        returns="tuple[dict[str, Tensor], Tensor]",
        docstring="Draw what the chain depends on; return it, and the value before the first step.",
        body=tuple(scope.statements),
    )


def _scope(plan: Plan, program: ProgramPlan) -> tuple[Scope, Loop]:
    factor = chain_of(plan)
    assert factor is not None
    scope = Scope(plan, plan.objective.draws, {program.name: SELF}, Layout())
    return scope, Loop(scope, program, program.loop_of(factor.node.name), draws=True)
