"""Plans the units of an energy: names of their conditionals, and colors of their entries."""

from __future__ import annotations

from collections.abc import Iterable

from specc.codegen.names import Attributes
from specc.codegen.plan import Buffer, Colors, Input
from specc.graph.blocks import couples_itself, entry_colors
from specc.graph.graph import Program, TypedGraph
from specc.graph.nodes import Node
from specc.language import nested

MANY = 3
"""The largest number of other nodes in the name of a conditional distribution."""


def method_of_unit(node: Node, inputs: Iterable[Input]) -> str:
    """Return a name after the conditional distribution: `h_given_v`, `x_given_rest`."""
    others = [each for each in inputs if isinstance(each, str)]
    if node.name in others:
        others = [*(each for each in others if each != node.name), "rest"]
    given = others if len(others) <= MANY else ["others"]
    return f"{node.name}_given_{'_'.join(given)}" if given else f"{node.name}_alone"


def colors_of(
    typed: TypedGraph, program: Program, node: Node, attributes: Attributes, buffers: list[Buffer]
) -> Colors | None:
    """Return the colors of the entries of a unit that interact, and register them as a buffer."""
    if node.name not in program.units or not couples_itself(program, node.name):
        return None
    colors, shape = entry_colors(typed, program, node.name), typed.types[node.id].shape
    assert node.entry is not None
    values = nested.nest(colors, shape)
    assert isinstance(values, tuple)
    attribute, count = attributes.fresh(f"{node.name}_colors"), max(colors) + 1
    made = f"torch.arange({count}).view({shape})" if count == len(colors) else ""
    buffers.append(Buffer(attribute, values, shape, made=made))
    return Colors(attribute, count, 0.0 if node.entry.result_dims else 0.5)
