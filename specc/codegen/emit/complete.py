"""Data whose missing entries are left out, completed by draws given what it depends on."""

from __future__ import annotations

from specc.codegen.emit.body import Body
from specc.codegen.emit.values import values_behind
from specc.codegen.layout import Layout
from specc.codegen.plan import Factor, Plan, ProgramPlan
from specc.codegen.writer import Writer
from specc.graph.graph import MODEL


def completed(plan: Plan) -> list[Factor]:
    """The nodes of the model whose missing entries are left out of the density."""
    factors = plan.programs[MODEL].factors
    return [factors[name] for name, missing in plan.missing.items() if not missing.fills]


def complete_inputs(plan: Plan) -> tuple[str, ...]:
    """The data that is completed, and what it depends on."""
    found: dict[str, None] = {}
    for factor in completed(plan):
        found.update(values_behind(plan, MODEL, factor.needs))
        found[factor.node.name] = None
    return plan.with_known(found)


def write_complete(plan: Plan, program: ProgramPlan, out: Writer, imports: set[str]) -> None:
    """`complete(noise, z, x, x_known)`: each entry without a value is drawn."""
    factors = completed(plan)
    names = frozenset(factor.node.name for factor in factors)
    imports.add("specc.runtime.noise")
    out.line()
    given = [f"{plan.python[n]}: Tensor" for n in complete_inputs(plan)]
    out.call("def complete", ["self", "noise: Noise", "*", *given], " -> dict[str, Tensor]:")
    owners = {program.name: "self", "noise": "noise"}
    body = Body(plan, out, imports, owners, Layout(), fills=names)
    with out.indented():
        out.docstring("The data, with a draw for each entry without a value.")
        mark = out.mark()
        for factor in factors:
            with out.about(f"{program.name}.{factor.node.name}"):
                body.sample(factor, "sample")
        if body.counts_rows:
            first = plan.python[factors[0].node.name]
            out.insert(mark, [f"rows = {first}.shape[0]"])
        items = [f'"{plan.python[f.node.name]}": {plan.python[f.node.name]}' for f in factors]
        out.collection("return ", items)
