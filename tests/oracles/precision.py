"""The error of a function in floating point and of its gradient.

The error of a value f is relative to the maximum of 1, |f| and sum_j |x_j df/dx_j|, the effect of
rounding the inputs, below which no formula can be. The gradient in an input is multiplied by the
unit u of that input, so that it is a change of f; its error is relative to the maximum of 1, |u g|
and u sum_j |x_j dg/dx_j|.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from mpmath import mp
from torch import Tensor

from tests.oracles.exact import COUNT, FIXED, LOGITS, PLACE, SHARE, Exact, Point, Value

DIGITS = 75
STEP = 1e-22
"""The relative step of central differences, which are computed with `DIGITS` digits."""


@dataclass(frozen=True)
class Truth:
    """The exact value and gradient at a point, with the scales of their errors."""

    value: Any
    scale: Any
    gradient: list[tuple[Any, Any, float]]  # derivative, scale of its error, unit


@dataclass(frozen=True)
class Worst:
    """The largest errors of a value and of a gradient, with their points."""

    value: float
    gradient: float
    value_at: Point | None
    gradient_at: Point | None


def rounded(value: Value, dtype: torch.dtype = torch.float32) -> Value:
    """The numbers of an input, rounded to a type."""
    return torch.tensor(value, dtype=dtype).tolist()


def points(exact: Exact, dtype: torch.dtype) -> list[Point]:
    """The rounded points of a function; points outside the range of float32 for float64 only."""
    found = [tuple(map(rounded, point)) for point in exact.points]
    if dtype == torch.float64:
        found += [tuple(rounded(v, dtype) for v in point) for point in exact.double or []]
    return found


def entries(value: Value) -> Iterator[tuple[tuple[int, ...], float]]:
    """The numbers of an input with their indices; of a matrix, the lower triangle."""
    if not isinstance(value, list):
        yield (), value
        return
    for i, row in enumerate(value):
        if not isinstance(row, list):
            yield (i,), row
            continue
        yield from (((i, j), row[j]) for j in range(min(i + 1, len(row))))


def truth(exact: Exact, point: Point) -> Truth:
    """The exact values and gradients, by central differences in mpmath."""
    with mp.workdps(DIGITS):
        places, numbers, kinds = [], [], []
        for k, value in enumerate(point):
            if exact.kinds[k] != FIXED:
                for place, number in entries(value):
                    places.append((k, *place))
                    numbers.append(number)
                    kinds.append(exact.kinds[k])
        steps = [mp.mpf(STEP) * (abs(x) if x else mp.mpf(1)) for x in numbers]
        cache: dict[tuple[tuple[int, int], ...], Any] = {}

        def at(*moved: tuple[int, int]) -> Any:
            if moved not in cache:
                inputs = [_exact(value) for value in point]
                for index, sign in moved:
                    _add(inputs, places[index], sign * steps[index])
                cache[moved] = exact.value(*inputs)
            return cache[moved]

        middle = at()
        count = len(numbers)
        free = [i for i in range(count) if kinds[i] != COUNT]
        smooth = [i for i in range(count) if kinds[i] != COUNT or numbers[i] > 0]
        first = {i: (at((i, 1)) - at((i, -1))) / (2 * steps[i]) for i in smooth}
        sizes = {i: _size(numbers[i], kinds[i]) for i in smooth}
        scale = max(1, abs(middle), sum(sizes[i] * abs(first[i]) for i in smooth))
        gradient = []
        for i in free:
            unit = _unit(exact, point, numbers[i], kinds[i])
            change = mp.mpf(0)
            for j in smooth:
                if i == j:
                    second = (at((i, 1)) - 2 * middle + at((i, -1))) / steps[i] ** 2
                else:
                    a, b = sorted((i, j))
                    second = (
                        at((a, 1), (b, 1))
                        - at((a, 1), (b, -1))
                        - at((a, -1), (b, 1))
                        + at((a, -1), (b, -1))
                    ) / (4 * steps[i] * steps[j])
                change += sizes[j] * abs(second)
            gradient.append((first[i], max(1, unit * abs(first[i]), unit * change), unit))
        return Truth(middle, scale, gradient)


def _exact(value: Value) -> Any:
    return [_exact(v) for v in value] if isinstance(value, list) else mp.mpf(value)


def _add(inputs: list[Any], place: tuple[int, ...], step: Any) -> None:
    target: Any = inputs
    for index in place[:-1]:
        target = target[index]
    target[place[-1]] += step


def _size(number: float, kind: str) -> float:
    """The rounding error of an input, in units of the last place of 1."""
    return max(1.0, abs(number)) if kind == LOGITS else abs(number)


def _unit(exact: Exact, point: Point, number: float, kind: str) -> float:
    if kind == LOGITS:
        return 1.0
    if kind == PLACE:
        return exact.scale(*point)
    if kind == SHARE:
        return min(number, 1 - number) or 1e-3
    return abs(number)


def worst(
    call: Callable[..., Tensor], exact: Exact, dtype: torch.dtype, known: dict[str, Truth]
) -> Worst:
    """The largest errors over the points of a function, in units of the last place of 1.

    `known` caches exact values for the other type.
    """
    found = Worst(0.0, 0.0, None, None)
    eps = torch.finfo(dtype).eps
    for point in points(exact, dtype):
        key = repr(point)
        if key not in known:
            known[key] = truth(exact, point)
        value, gradient = errors(call, exact, point, known[key], dtype)
        if not value / eps <= found.value:
            found = Worst(value / eps, found.gradient, point, found.gradient_at)
        if not gradient / eps <= found.gradient:
            found = Worst(found.value, gradient / eps, found.value_at, point)
    return found


def errors(
    call: Callable[..., Tensor], exact: Exact, point: Point, right: Truth, dtype: torch.dtype
) -> tuple[float, float]:
    """The error of the value and the maximum of the gradient's at a point; nan is inf."""
    made = [torch.tensor(v, dtype=dtype) for v in point]
    free = [t for t, k in zip(made, exact.kinds, strict=True) if k not in (COUNT, FIXED)]
    for t in free:
        t.requires_grad_()
    value = call(*made)
    gradients = torch.autograd.grad(value, free, allow_unused=True)
    flat = [
        0.0 if g is None else _at(g.tolist(), place)
        for t, g in zip(free, gradients, strict=True)
        for place, _ in entries(t.tolist())
    ]
    largest = torch.finfo(dtype).max
    of_value = _error(value.item(), right.value, right.scale, 1.0, largest)
    of_gradient = [
        _error(own, g, scale, unit, largest)
        for own, (g, scale, unit) in zip(flat, right.gradient, strict=True)
    ]
    return of_value, max(of_gradient, default=0.0)


def _at(value: Value, place: tuple[int, ...]) -> float:
    for index in place:
        value = value[index]
    return value


def _error(found: float, right: Any, scale: Any, unit: float, largest: float) -> float:
    """The error of a number; infinity is correct for exact numbers outside the type's range."""
    if math.isnan(found):
        return math.inf
    if abs(right) > largest:
        return 0.0 if abs(found) >= largest / 4 and (found > 0) == (right > 0) else math.inf
    if math.isinf(found):
        return math.inf
    return float(unit * abs(mp.mpf(found) - right) / scale)
