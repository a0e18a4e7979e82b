"""The C++ code of views and parts of arrays, also at indices of the data."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from specc.engine.compile.cpp_code import Code
from specc.engine.compile.cpp_entries import as_number
from specc.engine.compile.cpp_values import (
    Argument,
    Indices,
    Shape,
    Value,
    broadcast,
    literal,
    plus,
    reshaped,
    times,
)
from specc.engine.step.player import NotCompiled

# Views


def view(code: Code, shape: Shape, x: Value, *_: object) -> Value:
    """The same entries in another shape."""
    if [size for size in shape if size > 1] == [size for size in x.shape if size > 1]:
        return regrouped(x, shape)
    return reshaped(code.flattened(x), shape)


def regrouped(x: Value, shape: Shape) -> Value:
    """The same tensor with other axes of size 1."""

    def at(own: Indices) -> str:
        left = (index for index, size in zip(own, shape, strict=True) if size > 1)
        return x.at(tuple(next(left) if size > 1 else 0 for size in x.shape))

    memory = None
    if x.memory is not None:
        pairs = zip(x.memory[1], x.shape, strict=True)
        steps = iter([step for step, size in pairs if size > 1])
        memory = x.memory[0], tuple(next(steps) if size > 1 else 0 for size in shape)
    return Value(shape, at, x.is_truth, x.flat, memory=memory)


def expand(code: Code, shape: Shape, x: Value, *_: object, **__: object) -> Value:
    """The same entries, repeated along axes."""
    return Value(shape, broadcast(x, shape), x.is_truth)


def permute(code: Code, shape: Shape, x: Value, axes: Sequence[int]) -> Value:
    """Axes in another order."""
    order = [axis % len(shape) for axis in axes]

    def at(own: Indices) -> str:
        return x.at(tuple(own[order.index(axis)] for axis in range(len(order))))

    memory = x.memory and (x.memory[0], tuple(x.memory[1][axis] for axis in order))
    return Value(shape, at, x.is_truth, memory=memory)


def transpose(code: Code, shape: Shape, x: Value, first: int = -2, second: int = -1) -> Value:
    """Two axes in exchange."""
    if len(shape) < 2:
        return x
    axes = list(range(len(shape)))
    axes[first], axes[second] = axes[second], axes[first]
    return permute(code, shape, x, axes)


def select(code: Code, shape: Shape, x: Value, axis: int, index: int) -> Value:
    """The entries at a place of an axis."""
    axis, index = axis % len(x.shape), index % x.shape[axis]
    return Value(shape, lambda own: x.at((*own[:axis], index, *own[axis:])), x.is_truth)


def bounds(size: int, start: int | None, end: int | None, step: int = 1) -> range:
    """The places from `start` to `end`, which may count from the end."""
    return range(size)[slice(start, end, step)]


def part(
    code: Code,
    shape: Shape,
    x: Value,
    axis: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Value:
    """The entries of some places of an axis."""
    axis %= len(x.shape)
    kept = bounds(x.shape[axis], start, end, step)
    return Value(shape, lambda own: x.at(moved(own, axis, kept)), x.is_truth)


def moved(own: Indices, axis: int, kept: range) -> Indices:
    """Indices of a part as those of the whole."""
    return (*own[:axis], plus(times(own[axis], kept.step), kept.start), *own[axis + 1 :])


def unbind(code: Code, shape: Shape, x: Value, axis: int = 0) -> list[Value]:
    """The entries at each place of an axis."""
    axis %= len(x.shape)
    left = (*x.shape[:axis], *x.shape[axis + 1 :])
    return [select(code, left, x, axis, number) for number in range(x.shape[axis])]


def split(
    code: Code, shape: Shape, x: Value, sizes: Sequence[int] | int, axis: int = 0
) -> list[Value]:
    """Parts of some sizes along an axis."""
    axis %= len(x.shape)
    if isinstance(sizes, int):
        whole = x.shape[axis]
        sizes = [min(sizes, whole - start) for start in range(0, whole, sizes)]
    found, start = [], 0
    for size in sizes:
        own = (*x.shape[:axis], size, *x.shape[axis + 1 :])
        found.append(part(code, own, x, axis, start, start + size))
        start += size
    return found


def flip(code: Code, shape: Shape, x: Value, axes: Sequence[int]) -> Value:
    """Axes in reverse."""
    turned = {axis % len(shape) for axis in axes}

    def at(own: Indices) -> str:
        places = (
            plus(shape[axis] - 1, times(index, -1)) if axis in turned else index
            for axis, index in enumerate(own)
        )
        return x.at(tuple(places))

    return Value(shape, at, x.is_truth)


def getitem(code: Code, shape: Shape, values: Sequence[Value], number: int) -> Value:
    """One of several results."""
    return values[number]


# Arrays of parts


def joined(code: Code, shape: Shape, values: Sequence[Argument], axis: int = 0) -> Value:
    """Tensors, one after the other along an axis."""
    axis %= len(shape)
    found, name = code.empty(shape)
    start = 0
    for each in values:
        own = as_number(code.operand(each))
        if not own.size:
            continue
        kept = range(start, start + own.shape[axis])
        code.assign(name, shape, own.shape, partial(moved, axis=axis, kept=kept), own.at)
        start = kept.stop
    return found


def stacked(code: Code, shape: Shape, values: Sequence[Argument], axis: int = 0) -> Value:
    """Tensors along a new axis."""
    axis %= len(shape)
    one = (*shape[:axis], 1, *shape[axis + 1 :])
    parts = [regrouped(code.operand(each), one) for each in values]
    return joined(code, shape, parts, axis)


def select_scatter(
    code: Code, shape: Shape, x: Argument, source: Argument, axis: int, index: int
) -> Value:
    """A tensor with other entries at a place of an axis."""
    axis %= len(shape)
    one = (*shape[:axis], 1, *shape[axis + 1 :])
    start = index % shape[axis]
    return slice_scatter(
        code, shape, x, regrouped(code.operand(source), one), axis, start, start + 1
    )


def slice_scatter(
    code: Code,
    shape: Shape,
    x: Argument,
    source: Argument,
    axis: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Value:
    """A tensor with other entries at some places of an axis."""
    axis %= len(shape)
    kept, own = bounds(shape[axis], start, end, step), as_number(code.operand(source))
    found, name = code.empty(shape)
    code.assign(name, shape, shape, lambda i: i, as_number(code.operand(x)).at)
    code.assign(name, shape, own.shape, partial(moved, axis=axis, kept=kept), own.at)
    return found


def padded(code: Code, shape: Shape, x: Value, pad: Sequence[int], value: float = 0.0) -> Value:
    """A tensor within numbers; a negative width takes entries away."""
    found, name = code.empty(shape)
    code.assign(name, shape, shape, lambda i: i, lambda _: literal(value))
    own, before = x, [0] * len(shape)
    for number in range(len(pad) // 2):
        axis = len(shape) - 1 - number
        first, last = pad[2 * number : 2 * number + 2]
        before[axis] = max(0, first)
        kept = range(max(0, -first), own.shape[axis] - max(0, -last))
        left = (*own.shape[:axis], len(kept), *own.shape[axis + 1 :])
        own = part(code, left, own, axis, kept.start, kept.stop)

    def where(entry: Indices) -> Indices:
        return tuple(plus(i, first) for i, first in zip(entry, before, strict=True))

    code.assign(name, shape, own.shape, where, as_number(own).at)
    return found


# Indices


def rows(
    code: Code, indices: Sequence[Argument | None], sizes: Shape
) -> tuple[int, Shape, Callable[[Indices], Indices]]:
    """The first indexed axis, the shape of the indices, and they by their entry."""
    places = [number for number, each in enumerate(indices) if each is not None]
    found = [each for each in indices if isinstance(each, (Tensor, Value)) and not _is_truth(each)]
    if places != list(range(places[0], places[0] + len(found))):
        raise NotCompiled("indices of other axes have no code of their own")
    shapes = [torch.empty(tuple(each.shape), device="meta") for each in found]
    shape = tuple(torch.broadcast_tensors(*shapes)[0].shape)  # type: ignore[no-untyped-call]
    own = [code.indices(each, shape, sizes[axis]) for axis, each in zip(places, found, strict=True)]
    return places[0], shape, lambda i: tuple(each(i) for each in own)


def _is_truth(own: Tensor | Value) -> bool:
    return own.dtype == torch.bool if isinstance(own, Tensor) else own.is_truth


def index(code: Code, shape: Shape, x: Value, known: Sequence[Argument | None]) -> Value:
    """The entries at indices of the data."""
    first, middle, at = rows(code, known, x.shape)
    table = code.flattened(x)

    def entry(own: Indices) -> str:
        within = own[first : first + len(middle)]
        return table.at((*own[:first], *at(within), *own[first + len(middle) :]))

    return code.entries(shape, entry, is_truth=x.is_truth)


def index_put(
    code: Code,
    shape: Shape,
    x: Argument,
    known: Sequence[Argument | None],
    values: Argument,
    accumulate: bool = False,
) -> Value:
    """A tensor with other entries at indices of the data, or with them added."""
    first, middle, at = rows(code, known, shape)
    found, name = code.empty(shape)
    code.assign(name, shape, shape, lambda i: i, as_number(code.operand(x)).at)
    count = sum(each is not None for each in known)
    whole = (*shape[:first], *middle, *shape[first + count :])
    source = broadcast(as_number(code.operand(values)), whole)

    def where(own: Indices) -> Indices:
        within = own[first : first + len(middle)]
        return (*own[:first], *at(within), *own[first + len(middle) :])

    code.work += math.prod(whole)
    code.assign_at(name, shape, whole, where, source, "+=" if accumulate else "=")
    return found


def index_select(code: Code, shape: Shape, x: Value, axis: int, known: Argument) -> Value:
    """The entries at places of an axis that are data."""
    return index(code, shape, x, [*[None] * (axis % len(x.shape)), known])


def along(code: Code, axis: int, known: Argument, size: int) -> Callable[[Indices], Indices]:
    """The places that `gather` reads along an axis."""
    assert isinstance(known, (Tensor, Value))
    at = code.indices(known, tuple(known.shape), size)
    return lambda own: (*own[:axis], at(own), *own[axis + 1 :])


def gather(code: Code, shape: Shape, x: Value, axis: int, known: Argument, **_: object) -> Value:
    """The entry along an axis at the place that the data give, for each entry."""
    axis %= len(shape)
    where, table = along(code, axis, known, x.shape[axis]), code.flattened(x)
    return code.entries(shape, lambda own: table.at(where(own)), is_truth=x.is_truth)


def scatter_add(
    code: Code, shape: Shape, x: Argument, axis: int, known: Argument, source: Argument
) -> Value:
    """A tensor with entries added along an axis, at the places that the data give."""
    axis %= len(shape)
    where = along(code, axis, known, shape[axis])
    found, name = code.empty(shape)
    code.assign(name, shape, shape, lambda i: i, as_number(code.operand(x)).at)
    own = as_number(code.operand(source))
    code.assign_at(name, shape, code.operand(known).shape, where, own.at, "+=")
    return found
