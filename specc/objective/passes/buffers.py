"""Replay buffers of a loss: the rows of earlier steps that it holds, as its state."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from specc.catalog.entry import Shape
from specc.graph.constants import number_of
from specc.graph.graph import Graph, TypedGraph
from specc.graph.nodes import Node
from specc.graph.passes.references import is_held
from specc.language.expressions.tree import Call, Number
from specc.objective.objective import Decision, State
from specc.objective.terms import Term, Value, value_node, walk


class Buffer(Struct, frozen=True):
    """The node whose value is a row that a loss holds, the call of it, and the number of rows."""

    node: Node
    call: Call
    rows: int

    @property
    def filled(self) -> str:
        """The state that says which rows have a value, one for all buffers of as many rows."""
        return f"filled {self.rows}"

    def shape(self, typed: TypedGraph) -> Shape:
        """The shape of the rows together."""
        return (self.rows, *typed.types[self.node.id].shape)


def find_buffers(graph: Graph, term: Term) -> tuple[Buffer, ...]:
    """The buffers of which a loss has values, in the order in which they stand there."""
    return tuple({each.node.name: each for each in _buffers(graph, term)}.values())


def _buffers(graph: Graph, term: Term) -> Iterator[Buffer]:
    for value in walk(term):
        if not isinstance(value, Value) or isinstance(value.expression, Number):
            continue
        program, name = value_node(value.expression)
        used = [name, *graph.programs[program].digraph.predecessors(name)]
        for node in (graph.node((program, each)) for each in used):
            if is_held(node):
                assert isinstance(node.value, Call)
                rows = number_of(node.value.arguments[1], graph.constants, lambda name: None)
                assert isinstance(rows, int)
                yield Buffer(node, node.value, rows)


def buffer_states(typed: TypedGraph, buffers: tuple[Buffer, ...]) -> tuple[State, ...]:
    """The tensors of rows, and for each number of rows which of them have a value."""
    found: dict[str, State] = {}
    for each in buffers:
        found[each.filled] = State(each.filled, (each.rows,), 0, "int64", is_divided=True)
        name, shape = each.node.name, each.shape(typed)
        if each.node.id in typed.classes:
            found[name] = State(name, shape, 0, "int64", is_divided=True)
        else:
            found[name] = State(name, shape, 0.0, is_divided=True)
    return tuple(found.values())


def buffer_decisions(buffers: tuple[Buffer, ...]) -> tuple[Decision, ...]:
    """What is held, as `explain` prints it."""
    return tuple(
        Decision(
            each.node.name,
            f"one of the last {each.rows:,} rows",
            "they are state of the loss, and pass no gradient",
            each.node.span,
        )
        for each in buffers
    )
