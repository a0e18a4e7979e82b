"""Expressions over class numbers, for all their values at once.

A value is an array with an axis for each parent, of size 1 where it does not vary with it, and the
axes of one event after them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from specc.graph.graph import Graph
from specc.graph.passes.names import SIZE_OF
from specc.graph.passes.sizes import number_of
from specc.infer.factor import Array
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Name,
    Negate,
    Number,
    Sequence,
)


class NotKnown(Exception):
    """An expression that is no known number: why, and what would help."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason, self.hint = reason, hint


def softmax(x: Array) -> Array:
    """Exp(x) along the last axis, divided by its sum."""
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
"""What can be computed here, by its name in an expression: entry by entry, or on the last axis."""

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

    `parents` holds the values of the nodes that vary, each along its own axis, and `values` the
    learnt numbers of a run.
    """

    graph: Graph
    parents: Mapping[str, Array]
    values: Mapping[str, npt.NDArray[np.float64]]

    def value(self, expression: Expression) -> Array:
        """The value. Raises NotKnown."""
        match expression:
            case Number(value=value):
                return self._constant(value)
            case Name(id=name):
                return self._name(name)
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
        raise AssertionError(expression)

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
        if node.value is not None:
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
        """The entries of the first axes of the event, for every combination of the parents."""
        lead = len(self.parents)
        if table.shape[:lead] == (1,) * lead:
            return np.asarray(table.reshape(table.shape[lead:])[tuple(places)])
        shape = np.broadcast_shapes(table.shape[:lead], *(place.shape for place in places))
        grid = np.ogrid[tuple(slice(size) for size in shape)]
        whole = np.broadcast_to(table, shape + table.shape[lead:])
        return np.asarray(whole[(*grid, *places)])

    def _stack(self, items: list[Array]) -> Array:
        aligned = np.broadcast_arrays(*self._aligned(items))
        return np.stack(aligned, len(self.parents))

    def _aligned(self, items: list[Array]) -> list[Array]:
        """The values with events of one rank; axes are added before those that an event has."""
        lead, most = len(self.parents), max(item.ndim for item in items)
        return [
            item.reshape(item.shape[:lead] + (1,) * (most - item.ndim) + item.shape[lead:])
            for item in items
        ]


def _beyond(what: str) -> NotKnown:
    return NotKnown(f"a query does not compute {what}", "write the probabilities as a table")
