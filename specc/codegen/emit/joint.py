"""The value of a draw with several parts, made of them, and taken apart into them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from specc.catalog.entry import Shape
from specc.codegen.emit.expressions import flat
from specc.graph.graph import Node

if TYPE_CHECKING:
    from specc.codegen.emit.body import Body


def join(body: Body, node: Node) -> None:
    """`xu = concat(x, u)`, once; nothing for a node without parts."""
    if not node.parts or node.id in body.known:
        return
    body.known.add(node.id)
    body.imports.add("specc.runtime.functions.concat")
    with body.out.about(f"{node.program}.{node.name}"):
        parts = [flat(body.python(part), len(_shape(body, node, part))) for part in node.parts]
        body.out.call(f"{body.python(node.name)} = concat", parts, "")
    body.inherit(node.name, node.parts)


def split(body: Body, node: Node) -> None:
    """`x, u = xu.split((64, 10), dim=-1)`, each part in its own shape."""
    if not node.parts:
        return
    body.known.add(node.id)
    whole, names = body.python(node.name), [body.python(part) for part in node.parts]
    shapes = [_shape(body, node, part) for part in node.parts]
    if len(names) == 1:
        body.out.statement(f"{names[0]} = {whole}{_reshaped(shapes[0])}")
    else:
        sizes = ", ".join(str(math.prod(shape)) for shape in shapes)
        body.out.statement(f"{', '.join(names)} = {whole}.split(({sizes}), dim=-1)")
        for name, shape in zip(names, shapes, strict=True):
            if len(shape) != 1:
                body.out.statement(f"{name} = {name}{_reshaped(shape)}")
    for part in node.parts:
        body.inherit(part, (node.name,))


def _shape(body: Body, node: Node, part: str) -> Shape:
    return body.plan.graph.types[node.program, part].shape


def _reshaped(shape: Shape) -> str:
    """What makes an event of a vector of its numbers."""
    if len(shape) == 1:
        return ""
    return f".unflatten(-1, {shape})" if shape else ".squeeze(-1)"
