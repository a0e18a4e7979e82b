"""Prints a plan: each class with its modules, tensors and methods."""

from __future__ import annotations

from collections.abc import Iterator

from specc.catalog.entry import Lowered
from specc.codegen.plan import Argument, Factor, Input, Plan, ProgramPlan
from specc.language.expressions.print import print_expression


def print_plan(plan: Plan) -> str:
    """Return the text of a plan: its classes, then the Python names that differ from the spec."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield f"data {', '.join(plan.data) or 'none'}"
    for program in plan.programs.values():
        yield f"class {program.class_name} of {program.name}, densities {program.density_name}(...)"
        yield from _tensors(program)
        for name in program.order:
            if name in program.factors:
                yield from _factor(program.factors[name])
            elif name in program.lets:
                let = program.lets[name]
                body = print_expression(let.expression)
                yield f"  let {let.method}({_listed(let.inputs)}) = {body}"
    for known, python in plan.python.items():
        if isinstance(known, str) and known != python:
            yield f"name {known} is {python} in Python"


def _tensors(program: ProgramPlan) -> Iterator[str]:
    for module in program.modules:
        sizes = f"{list(module.input)} to {list(module.lowered.output)}"
        yield f"  module {module.attribute}: {sizes}"
        yield from _layers(module.lowered)
        if module.tail is not None:
            yield from _layers(module.tail.lowered)
    for head in program.heads:
        owner = f"{head.node.name}.{head.parameter.name}"
        value = head.constrainer.code.format(head.attribute)
        yield f"  module {head.attribute}: the head of {owner} = {value}"
        yield from _layers(head.lowered)
    for learnable in program.learnable:
        raw = f", held as {learnable.raw}" if learnable.raw != learnable.attribute else ""
        yield f"  parameter {learnable.attribute}: {list(learnable.shape)}{raw}"
    for shared in program.shared:
        yield f"  shared {shared.attribute}: {shared.original} of {shared.owner}"
    for buffer in program.buffers:
        yield f"  buffer {buffer.attribute}: {list(buffer.shape)}"


def _layers(lowered: Lowered) -> Iterator[str]:
    for layer in lowered.layers:
        yield f"    {layer.target}{layer.arguments}"


def _listed(inputs: tuple[Input, ...]) -> str:
    return ", ".join(map(str, inputs))


def _factor(factor: Factor) -> Iterator[str]:
    method = f": {factor.method}({_listed(factor.inputs)})" if factor.tensors else ""
    yield f"  factor {factor.conditional}{method}"
    if factor.flow is not None:
        steps = ", then ".join(print_expression(step) for step in factor.flow.steps)
        yield f"    {factor.flow.forward}, {factor.flow.inverse} through {steps}"
    if factor.trunk is not None:
        yield f"    trunk {print_expression(factor.trunk)}"
    for argument in factor.arguments:
        yield f"    {argument.parameter.name} {list(argument.shape)} = {_argument(argument)}"


def _argument(argument: Argument) -> str:
    if argument.head is not None:
        return f"{argument.head.attribute}(trunk)"
    if argument.buffer is not None:
        return f"buffer {argument.buffer.attribute}"
    if argument.expression is not None:
        other = f", given as {argument.alternative.name}" if argument.alternative else ""
        return f"{print_expression(argument.expression)}{other}"
    return f"{argument.number:g}"
