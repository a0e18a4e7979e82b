"""The two methods of a node that goes through bijections: from its draw to its value, and back.

Where no one asks the density of a draw, it is pushed without a log-determinant.
"""

from __future__ import annotations

from dataclasses import dataclass

from specc.codegen.emit.expressions import ExpressionWriter
from specc.codegen.plan import Factor, Flow, Plan
from specc.codegen.writer import Writer
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Call


@dataclass(frozen=True, slots=True)
class _Way:
    """One of the two: the method, the variable that it takes and the one that it makes.

    `called` is the method of a bijection, none for a call of itself; `scored` says whether there is
    a log-determinant.
    """

    method: str
    taken: str
    made: str
    steps: tuple[Call, ...]
    called: str
    says: str
    scored: bool = True


def write_flow(
    plan: Plan, factor: Factor, flow: Flow, writer: ExpressionWriter, out: Writer
) -> None:
    """`push_x(x_base)` and `pull_x(x)`, with their log-determinants where they are asked for."""
    x, u = plan.python[factor.node.name], flow.base
    shown = ", then ".join(_shown(step) for step in flow.steps)
    take = "takes" if len(flow.steps) == 1 else "take"
    called = "" if flow.scored else ".push"
    says = f"{x}, to which {shown} {take} {u}"
    says += f", and log |det d{x}/d{u}|." if flow.scored else "."
    push = _Way(flow.push, u, x, flow.steps, called, says, flow.scored)
    _write(plan, flow, push, writer, out)
    says = f"{u}, which {shown} {take} to {x}, and log |det d{u}/d{x}|."
    _write(plan, flow, _Way(flow.pull, x, u, flow.steps[::-1], ".inverse", says), writer, out)


def _shown(step: Call) -> str:
    return print_expression(step) if step.arguments else step.function


def _write(plan: Plan, flow: Flow, way: _Way, writer: ExpressionWriter, out: Writer) -> None:
    taken = (way.taken, *(plan.python[name] for name in flow.inputs))
    items = ["self", *(f"{name}: Tensor" for name in dict.fromkeys(taken))]
    if flow.stochastic and way.scored:
        writer.imports.add("specc.runtime.noise")
        items.append("noise: Noise | None = None")
    out.line()
    result = "tuple[Tensor, Tensor]" if way.scored else "Tensor"
    out.call(f"def {way.method}", items, f" -> {result}:")
    with out.indented():
        out.docstring(way.says)
        calls = [_called(step, way, n, flow, writer) for n, step in enumerate(way.steps)]
        if len(calls) == 1 or not way.scored:
            for call in calls[:-1]:
                out.statement(f"{way.made} = {call}")
            out.statement(f"return {calls[-1]}")
            return
        log_dets = [f"log_det_{number}" for number in range(1, len(calls) + 1)]
        for call, log_det in zip(calls, log_dets, strict=True):
            out.statement(f"{way.made}, {log_det} = {call}")
        out.statement(f"return {way.made}, {' + '.join(log_dets)}")


def _called(step: Call, way: _Way, number: int, flow: Flow, writer: ExpressionWriter) -> str:
    """`self.f.inverse(x, h)`."""
    module = writer.modules[step.function]
    items = [way.taken if number == 0 else way.made]
    items += [writer.link_input(step)] if step.arguments else []
    entry = module.link.entry
    estimated = flow.stochastic and way.scored and getattr(entry, "stochastic", False)
    items += ["noise=noise"] if estimated else []
    return f"self.{module.attribute}{way.called}({', '.join(items)})"
