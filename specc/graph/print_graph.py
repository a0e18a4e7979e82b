"""Printing of graphs: nodes with their roles, and edges with the arguments that cause them."""

from __future__ import annotations

from collections.abc import Iterator

from specc.catalog.supports import describe
from specc.graph.graph import Graph, LinkUse, Program, TypedGraph
from specc.graph.nodes import Node, NodeId
from specc.language.expressions.print import print_expression


def print_graph(graph: Graph) -> str:
    """The nodes of each program in order, then links, plates, constants and data fields."""
    return "\n".join(_graph(graph)) + "\n"


def print_typed(typed: TypedGraph) -> str:
    """The types of all nodes, the shapes of parameters, and the sizes of links."""
    return "\n".join(_typed(typed)) + "\n"


def _graph(graph: Graph) -> Iterator[str]:
    for program in graph.programs.values():
        yield f"program {program.name} ({', '.join(program.inputs) or 'no inputs'})"
        for name in program.order:
            yield from _node(program, program.nodes[name])
    for name, link in graph.links.items():
        follows = f", {link.average.decay:g} of {link.average.of}" if link.average else ""
        options = link.options.model_dump(exclude_defaults=True)
        yield f"link {name}: {link.entry.name} {options}{follows}"
    for name, size in graph.plates.items():
        yield f"plate {name}: {size}"
    for name, value in graph.constants.items():
        yield f"constant {name}: {value!r}"
    for name, field in graph.fields.items():
        shape = "not known" if field.shape is None else list(field.shape)
        origin = field.origin if isinstance(field.origin, str) else list(field.origin)
        yield f"field {name}: from {origin}, shape {shape}"


def _node(program: Program, node: Node) -> Iterator[str]:
    head = node.entry.name if node.entry is not None else ""
    marks = [head, "global" if node.is_global else ""]
    marks += [f"{word} {value}" for word, value in _words(node) if value is not None]
    place = f"line {node.span.line}"
    yield f"  {' '.join(filter(None, [node.name + ':', node.role, *marks]))}  ({place})"
    for key, expression in node.arguments.items():
        yield f"    {key} = {print_expression(expression)}"
    for key, value in (("params", node.params), ("value", node.value)):
        if value is not None:
            yield f"    {key} = {print_expression(value)}"
    if node.through:
        yield f"    through {', then '.join(print_expression(step) for step in node.through)}"
    before = list(program.digraph.predecessors(node.name))
    if before:
        yield f"    uses {', '.join(sorted(before, key=program.order.index))}"


def _words(node: Node) -> tuple[tuple[str, object], ...]:
    return (
        ("of", ", ".join(node.parts) or None),
        ("part of", node.joint),
        ("plate", node.plate),
        ("numbers", node.plate_index),
        ("from", node.field),
        ("drawn by", node.draw.kind if node.draw is not None else None),
        ("starts at", node.init),
    )


def _typed(typed: TypedGraph) -> Iterator[str]:
    graph = typed.graph
    for program in graph.programs.values():
        yield f"program {program.name}"
        for name in program.order:
            yield from _type(typed, program.nodes[name].id)
    for use in typed.uses:
        yield f"use {_use(use)}"
    for name, sized in typed.sized.items():
        output = list(sized.module.output)
        yield f"link {name}: {list(sized.input)} to {output}, in {sized.program}"
        yield from (f"    {layer.target}{layer.arguments}" for layer in sized.module.layers)
        yield from (
            (f"    {layer.target}{layer.arguments}" for layer in sized.tail.layers)
            if (sized.tail)
            else ()
        )
        for (node, parameter), head in sized.heads.items():
            layers = ", ".join(f"{layer.target}{layer.arguments}" for layer in head.layers)
            yield f"    head {node}.{parameter}: {layers}"


def _type(typed: TypedGraph, node: NodeId) -> Iterator[str]:
    kind = typed.types[node]
    plates = f" for each of {', '.join(kind.plates)}" if kind.plates else ""
    classes = f", {typed.classes[node]} classes" if node in typed.classes else ""
    yield f"  {node[1]}: {list(kind.shape)} in {describe(kind.support)}{classes}{plates}"
    if node in typed.bases:
        yield f"    drawn {list(typed.bases[node])}"
    for (owner, parameter), shape in typed.parameters.items():
        if owner == node:
            given = typed.given.get((owner, parameter), shape)
            written = f", written {list(given)}" if given != shape else ""
            yield f"    {parameter} {list(shape)}{written}"


def _use(use: LinkUse) -> str:
    inputs = ", ".join(str(list(shape)) for shape in use.inputs)
    output = "heads" if use.output is None else str(list(use.output))
    return f"{use.link}: {inputs} to {output}, for {'.'.join(use.node)}.{use.argument}"
