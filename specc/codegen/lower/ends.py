"""Lowers ends of a support that other values determine, and the maps onto it.

def beta_ends(self) -> tuple[float, Tensor]:
    return 0.0, self.beta_high(self.alpha)
"""

from __future__ import annotations

from collections.abc import Iterator

from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import SELF, Code, Literal, Mapped, Name, Star
from specc.codegen.code.statements import Function, Return
from specc.codegen.layout import Layout
from specc.codegen.lower.densities import parameters
from specc.codegen.lower.points import points, without_unused
from specc.codegen.lower.scope import Scope
from specc.codegen.plan import Factor, LearnableParameter, Plan, ProgramPlan
from specc.graph.ends import End, Ends

RUNTIME = "specc.runtime.unconstrained"


def ends_method(plan: Plan, program: ProgramPlan, item: LearnableParameter) -> Function:
    """Return the method with the ends of a latent at the values of the others."""
    assert item.ends is not None
    factor = program.factors[item.node.name]
    scope = Scope(plan, plan.objective.draws, {program.name: SELF}, Layout())
    points(scope, program, SELF, of_rows=True)
    for name, buffer in item.data:
        scope.assign(scope.python(name), code.Attribute(SELF, buffer))
    count = len(scope.statements)
    with scope.on(program.name, item.node.name):
        if item.beyond:
            found = tuple(_beyond(item, end, is_low) for end, is_low in _sides(item.ends))
        else:
            parameters(scope, factor)
            found = _ends(factor, item.ends)
        kinds = ["float" if isinstance(each, Literal) else "Tensor" for each in found]
        scope.add(Return(found[0] if len(found) == 1 else code.Tuple(found)))
    which = "ends" if len(found) > 1 else "lower end" if item.ends.low.exists else "upper end"
    return Function(
        name=item.ends_method,
        parameters=(),
        keywords=(),
        returns=kinds[0] if len(kinds) == 1 else f"tuple[{', '.join(kinds)}]",
        docstring=f"The {which} of {item.node.name}"
        + (", beyond all values of the data." if item.beyond else " at the values of the latents."),
        body=without_unused(scope.statements, count),
        about=f"{item.node.program}.{item.node.name}",
    )


def onto_support(item: LearnableParameter) -> Code:
    """Return a latent as a function of the numbers behind it, and of its ends if they move."""
    raw, onto = code.Attribute(SELF, item.raw), item.constrainer
    if item.ends is None:
        return Mapped(onto.code, raw, onto.runtime)
    return code.call(code.function(onto.runtime), raw, *_at_point(item))


def log_det_of(item: LearnableParameter) -> Code:
    """Return the log-determinant of the map onto the support of a latent."""
    function = code.function(f"{RUNTIME}.{item.constrainer.log_det}")
    ends = item.ends is not None and item.ends.low.exists and item.ends.high.exists
    given = _at_point(item) if ends else ()
    return code.call(function, code.Attribute(SELF, item.raw), *given)


def _at_point(item: LearnableParameter) -> tuple[Code, ...]:
    assert item.ends is not None
    found = code.method(SELF, item.ends_method)
    both = item.ends.low.exists and item.ends.high.exists
    return (Star(found),) if both else (found,)


def _ends(factor: Factor, ends: Ends) -> tuple[Code, ...]:
    """Return the ends that exist, as code."""
    found = ((ends.low, "min"), (ends.high, "max"))
    return tuple(_end(factor, end, bound) for end, bound in found if end.exists)


def _sides(ends: Ends) -> Iterator[tuple[End, bool]]:
    """Yield the ends that exist, and whether each is the lower one."""
    yield from ((end, end is ends.low) for end in (ends.low, ends.high) if end.exists)


def _beyond(item: LearnableParameter, end: End, is_low: bool) -> Code:
    """Return `self.y_rows.amax().clamp(min=0.0)`: an end that is beyond all observed values."""
    if not end.parameter:
        return Literal(float(end.at))
    wanted, extreme = ("most", "amax") if is_low else ("least", "amin")
    columns = dict(item.data)
    own = [columns[name] for name, limit in item.beyond if limit == wanted]
    first, *rest = (code.method(code.Attribute(SELF, column), extreme) for column in own)
    for other in rest:
        first = code.method(first, "maximum" if is_low else "minimum", other)
    if abs(end.at) == float("inf"):
        return first
    return code.method(first, "clamp", **{"min" if is_low else "max": float(end.at)})


def _end(factor: Factor, end: End, bound: str) -> Code:
    if not end.parameter:
        return Literal(float(end.at))
    argument = next(a for a in factor.arguments if a.parameter.name == end.parameter)
    value = Name(argument.local)
    clamped = abs(end.at) != float("inf")
    return code.method(value, "clamp", **{bound: float(end.at)}) if clamped else value
