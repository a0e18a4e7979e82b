"""What a guide says of finite data that may be missing: the log-probability of every value."""

from __future__ import annotations

from specc.codegen.emit.body import Body
from specc.codegen.layout import Layout
from specc.codegen.plan import Factor, Plan, ProgramPlan
from specc.codegen.writer import Writer
from specc.graph.graph import GUIDE


def predicted(plan: Plan) -> list[Factor]:
    """The finite numbers that the guide draws from data alone, where they are missing."""
    if GUIDE not in plan.programs:
        return []
    factors, data = plan.programs[GUIDE].factors, plan.data
    return [
        factors[name]
        for name, missing in plan.missing.items()
        if missing.fills and name in factors and _is_told(factors[name], data, plan)
    ]


def _is_told(factor: Factor, data: tuple[str, ...], plan: Plan) -> bool:
    known = set(plan.with_known(data)) - set(plan.programs[GUIDE].factors)
    single = not factor.type.shape and factor.entry.finite
    return single and bool(factor.inputs) and set(factor.inputs) <= known


def write_predict(plan: Plan, program: ProgramPlan, out: Writer, imports: set[str]) -> None:
    """`predict(x)`, for each of them [rows, values]."""
    factors = predicted(plan)
    given = dict.fromkeys(name for factor in factors for name in factor.inputs)
    out.line()
    items = ["self", "*", *(f"{plan.python[n]}: Tensor" for n in given)]
    out.call("def predict", items, " -> dict[str, Tensor]:")
    with out.indented():
        shown = ", ".join(f"log q({factor.symbol})" for factor in factors)
        out.docstring(f"{shown} of every value: [rows, values].")
        found = [_write_one(plan, program, factor, out, imports) for factor in factors]
        out.collection("return ", found)


def _write_one(
    plan: Plan, program: ProgramPlan, factor: Factor, out: Writer, imports: set[str]
) -> str:
    name = factor.node.name
    body = Body(plan, out, imports, {program.name: "self"}, Layout(1, (name,)))
    with out.about(f"{program.name}.{name}"):
        body.parameters(factor)
        body.enumerate(factor, factor.inputs)
        local = f"log_q_{plan.python[name]}"
        body.log_prob(factor, local)
    return f'"{plan.python[name]}": {local}.movedim(0, -1)'
