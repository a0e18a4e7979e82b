"""The chain that a model draws backward, and the guide forward, with the methods of its steps.

Such a model removes noise step by step, and its guide adds it. Samplers that take fewer steps need
the parameters of a single step of either, instead of all of them in a loop.
"""

from __future__ import annotations

from collections.abc import Mapping

from specc.codegen.dependencies import values_behind
from specc.codegen.loops import outside, starts
from specc.codegen.plan import Factor, Input, Plan, ProgramPlan
from specc.graph.graph import GUIDE, MODEL

START = "start_of_chain"
"""The method that draws what comes before the first step."""

STEP = "one_step"
"""The method with the parameters of one step."""

Methods = Mapping[str, tuple[Input, ...]]


def chain_of(plan: Plan) -> Factor | None:
    """Return the factor of the model whose steps it draws from the last to the first.

    The guide draws the same latent from the first step to the last, and each step of both is a
    normal that depends on one neighbour. None without such a latent, or with several of them.
    """
    if GUIDE not in plan.programs:
        return None
    own, guide = plan.programs[MODEL], plan.programs[GUIDE]
    found = [loop for loop in own.loops if _is_chain(own, loop, is_lag=False)]
    both = [
        factor
        for loop in found
        for factor in _factors(own, loop)
        if _is_chain(guide, guide.loop_of(factor.node.name), is_lag=True)
    ]
    return both[0] if len(both) == 1 else None


def _is_chain(program: ProgramPlan, loop: tuple[str, ...], *, is_lag: bool) -> bool:
    """Whether the only random node of a loop is a normal that depends on its neighbour alone."""
    factors = _factors(program, loop)
    lagged = [program.lagged[name] for name in loop if name in program.lagged]
    if len(factors) != 1 or len(lagged) != 1:
        return False
    shift, (factor,) = lagged[0].node.shift, factors
    is_next = shift is not None and abs(shift.offset) == 1 and lagged[0].is_lag == is_lag
    is_plain = factor.entry.gaussian and factor.flow is None and factor.causal is None
    return is_next and is_plain and lagged[0].base == factor.node.name and factor.lengths is None


def _factors(program: ProgramPlan, loop: tuple[str, ...]) -> list[Factor]:
    return [program.factors[name] for name in loop if name in program.factors]


def declaration(plan: Plan) -> dict[str, object]:
    """Return the entry of the manifest about the chain, empty without one."""
    factor = chain_of(plan)
    if factor is None:
        return {}
    assert factor.scan is not None
    steps = plan.graph.graph.size_of(factor.scan)
    return {"chain": {"latent": plan.python[factor.node.name], "steps": steps}}


def steps_of_chain(plan: Plan, program: ProgramPlan) -> dict[str, tuple[Input, ...]]:
    """Return the methods of the steps of a chain that model and guide draw in opposite order."""
    factor = chain_of(plan)
    if factor is None:
        return {}
    loop = program.loop_of(factor.node.name)
    used = values_behind(plan, program.name, outside(program, loop))
    if program.name == GUIDE:
        return {STEP: tuple(used)}
    used |= values_behind(plan, program.name, starts(program, loop))
    nodes = plan.graph.graph.programs[program.name].nodes
    return {
        START: tuple(n for n in program.order if n in used and nodes[n].role == "given"),
        STEP: tuple(values_behind(plan, program.name, outside(program, loop))),
    }
