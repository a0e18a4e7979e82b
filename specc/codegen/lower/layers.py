"""Lowers the constructor of a program's class: networks, learnable parameters, buffers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from specc.catalog.entry import Shape
from specc.codegen.code import expressions as code
from specc.codegen.code.expressions import SELF, Code, Literal, Reference, Tuple
from specc.codegen.code.statements import Assign, Declare, Evaluate, Layers, Statement, Table
from specc.codegen.plan import Buffer, LearnableParameter, ProgramPlan

FLOAT32_MAX = float.fromhex("0x1.fffffep127")
START = 0.1
"""The standard deviation of the initial entries of an array without `init:`."""


def layers(program: ProgramPlan) -> Iterator[Statement]:
    """Yield the statements of `__init__`."""
    for shared in program.shared:
        original = code.Attribute(code.Name(shared.owner), shared.original)
        yield Assign((f"self.{shared.attribute}",), original, about=shared.about)
    for module in program.modules:
        link = f"links.{module.link.name}"
        if module.lowered.layers:
            yield Layers(module.attribute, module.lowered, link)
        if module.tail is not None:
            yield Layers(module.tail.attribute, module.tail.lowered, link)
    for head in program.heads:
        yield Layers(head.attribute, head.lowered, f"{program.name}.{head.node.name}")
    for item in program.learnable:
        parameter = code.call(Reference("nn.Parameter", "torch.nn"), initial(item))
        about = f"{program.name}.{item.node.name}"
        yield Assign((f"self.{item.raw}",), parameter, about)
    for attribute in program.data_of_rows.values():
        made = code.call(code.torch("zeros"), 0)
        register = code.Attribute(SELF, "register_buffer")
        yield Evaluate(code.call(register, attribute, made, persistent=False))
        yield Declare(f"self.{attribute}", "Tensor")
    for buffer in program.buffers:
        yield _registered(buffer)
        yield Declare(f"self.{buffer.attribute}", "Tensor")


def initial(item: LearnableParameter) -> Code:
    """Return the initial value of the unconstrained tensor of a learnable parameter."""
    init, shape = item.node.init, item.raw_shape
    if isinstance(init, tuple):
        values = code.List(tuple(Literal(item.constrainer.inverse(v)) for v in init))
        made: Code = code.call(code.torch("tensor"), values)
        if shape == (len(init),) and not item.of_rows:
            return made
        return code.method(code.method(made, "expand", *_sizes(item)), "clone")
    if isinstance(init, Mapping):
        scale = Literal(init["normal"])
        return code.Binary("*", scale, code.call(code.torch("randn"), *_sizes(item)))
    if isinstance(init, (int, float)):
        return _full(shape, item.constrainer.inverse(float(init)))
    if init == "normal":
        return code.call(code.torch("randn"), *_sizes(item))
    if init == "zeros" or math.prod(shape) == 1 or item.of_rows:
        return code.call(code.torch("zeros"), *_sizes(item))
    return code.Binary("*", Literal(START), code.call(code.torch("randn"), *_sizes(item)))


def _full(shape: Shape, value: float) -> Code:
    """Return a tensor with equal entries; a number too large for float32 becomes infinite.

    `torch.full` would raise RuntimeError for it, whereas the run reports the node that is not
    finite.
    """
    if abs(value) <= FLOAT32_MAX:
        return code.call(code.torch("full"), Tuple(tuple(map(Literal, shape))), value)
    made: Code = code.call(code.torch("tensor"), value)
    if not shape:
        return made
    return code.method(code.method(made, "expand", *map(Literal, shape)), "clone")


def _sizes(item: LearnableParameter) -> tuple[Code, ...]:
    return tuple(map(Literal, item.raw_shape)) or (Tuple(()),)


def _registered(buffer: Buffer) -> Statement:
    """Return the registration of a constant tensor as a buffer."""
    if buffer.values is not None and not buffer.made:
        return Table(buffer.attribute, buffer.values)
    value: Code = Reference(buffer.made, "torch")
    if not buffer.made:
        value = _full(buffer.shape, buffer.value)
    register = code.Attribute(SELF, "register_buffer")
    return Evaluate(code.call(register, buffer.attribute, value, persistent=False))
