"""Expressions over class numbers, evaluated for all values of the parents.

A value is an array with an axis for each parent, of size 1 if it does not depend on that parent,
followed by the axes of the event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

import numpy as np
import numpy.typing as npt

from specc.graph.constants import SIZE_OF, number_of
from specc.graph.graph import Graph
from specc.graph.nodes import Deterministic
from specc.infer.factor import Array
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Member,
    Name,
    Negate,
    Number,
    Over,
    Sequence,
)


class NotKnown(Exception):
    """The value of an expression is unknown, with the reason and a hint."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason, self.hint = reason, hint


def softmax(x: Array) -> Array:
    """exp(x) along the last axis, divided by its sum."""
    weights: Array = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(weights / weights.sum(-1, keepdims=True))


def _sigmoid(x: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0.0, -x)))


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "abs": np.abs,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "logit": lambda x: np.log(x) - np.log1p(-x),
    "relu": lambda x: np.maximum(x, 0.0),
    "sigmoid": _sigmoid,
    "softmax": softmax,
    "log_softmax": lambda x: x - np.logaddexp.reduce(x, -1, keepdims=True),
    "softplus": lambda x: np.logaddexp(0.0, x),
    "sqrt": np.sqrt,
    "square": np.square,
    "tanh": np.tanh,
}
"""The supported functions by name: elementwise, or along the last axis."""

OPERATORS: dict[str, Callable[..., Array]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
}


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates expressions of the model.

    `parents` has the values of the parents, each along one axis, and `values` the learnt numbers of
    a run.
    """

    graph: Graph
    parents: Mapping[str, Array]
    values: Mapping[str, npt.NDArray[np.float64]]

    def value(self, expression: Expression) -> Array:
        """Return the value of an expression; raises NotKnown."""
        match expression:
            case Number(value=value):
                return self._constant(value)
            case Name(id=name):
                return self._name(name)
            case Member():
                raise _beyond(f"`{expression.program}.{expression.name}`")
            case Negate(operand=operand):
                return -self.value(operand)
            case Binary():
                return self._binary(expression)
            case Call():
                return self._call(expression)
            case Index(base=base, indices=indices):
                return self._entry(self.value(base), [self._place(index) for index in indices])
            case Sequence(items=items):
                return self._stack([self.value(item) for item in items])
            case Over():
                raise _beyond(f"a function of all steps of `{expression.plate}`")
            case _:
                assert_never(expression)

    def _constant(self, value: object) -> Array:
        array: Array = np.asarray(value, dtype=np.float64)
        return array.reshape((1,) * len(self.parents) + array.shape)

    def _name(self, name: str) -> Array:
        if name in self.parents:
            return self.parents[name]
        if name in self.values:
            return self._constant(self.values[name])
        node = self.graph.model.nodes.get(name)
        if node is None:
            return self._constant(self.graph.constants[name])
        if isinstance(node, Deterministic):
            return self.value(node.value)
        hint = "train the spec, and query the run: `specc query RUN ...`"
        raise NotKnown(f"`{name}` is learnt", hint)

    def _binary(self, expression: Binary) -> Array:
        if expression.operator not in OPERATORS:
            raise _beyond(f"`{expression.operator}`")
        left, right = self._aligned([self.value(expression.left), self.value(expression.right)])
        with np.errstate(all="ignore"):
            return OPERATORS[expression.operator](left, right)

    def _call(self, call: Call) -> Array:
        if self.graph.is_link(call.function):
            reason = f"it depends on the link `{call.function}`"
            raise NotKnown(reason, "a query reads tables, not networks; draw with `specc sample`")
        if call.function == SIZE_OF:
            raise _beyond(f"`{SIZE_OF}`")
        if call.function not in FUNCTIONS:
            raise _beyond(f"the function `{call.function}`")
        with np.errstate(all="ignore"):
            return FUNCTIONS[call.function](*map(self.value, call.arguments))

    def _place(self, index: Expression) -> npt.NDArray[np.intp]:
        known = number_of(index, self.graph.constants, lambda name: None)
        found = self.value(index) if known is None else self._constant(known)
        return found.astype(np.intp)

    def _entry(self, table: Array, places: list[npt.NDArray[np.intp]]) -> Array:
        """The entries of a table at indices of its first axes, for all values of the parents."""
        lead = len(self.parents)
        if table.shape[:lead] == (1,) * lead:
            return np.asarray(table.reshape(table.shape[lead:])[tuple(places)])
        shape = np.broadcast_shapes(table.shape[:lead], *(place.shape for place in places))
        grid = np.ogrid[tuple(slice(size) for size in shape)]
        table = np.broadcast_to(table, shape + table.shape[lead:])
        return np.asarray(table[(*grid, *places)])

    def _stack(self, items: list[Array]) -> Array:
        aligned = np.broadcast_arrays(*self._aligned(items))
        return np.stack(aligned, len(self.parents))

    def _aligned(self, items: list[Array]) -> list[Array]:
        """The values with events of equal rank, by adding axes before those of an event."""
        lead, most = len(self.parents), max(item.ndim for item in items)
        return [
            item.reshape(item.shape[:lead] + (1,) * (most - item.ndim) + item.shape[lead:])
            for item in items
        ]


def _beyond(what: str) -> NotKnown:
    return NotKnown(f"a query does not compute {what}", "write the probabilities as a table")
