"""C++ statements in the making, and the constants that they read."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from specc.engine.compile.cpp_values import (
    Index,
    Indices,
    Shape,
    Value,
    array,
    broadcast,
    literal,
    place,
    plus,
    reshaped,
    scalar,
    times,
)
from specc.engine.step.player import NotCompiled

UNROLLED = 16
"""Entries up to which a loop is written out."""

MOST_ON_STACK = 64
"""Entries up to which an array is a local variable."""

C_TYPES = {
    torch.float64: "double",
    torch.float32: "float",
    torch.int64: "int64_t",
    torch.bool: "bool",
}


class Code:
    """The statements of one evaluation, and the constants that they read.

    Numbers are of one type, float64 or float32. In `loops` the numbers of a loop are computed
    together, as vectors; else each number stands for the lanes of a vector already.
    """

    def __init__(self, number: torch.dtype = torch.float64, *, loops: bool = False) -> None:
        self.number, self.loops = number, loops
        self.lines: list[str] = []
        self.constants: list[Tensor] = []
        self.work = 0
        self._names, self._known = itertools.count(), dict[int, Value]()
        self.is_inlined: Callable[[], bool] = lambda: False

    def operand(self, value: Value | Tensor | float) -> Value:
        """An argument of an operation as a value."""
        if isinstance(value, Value):
            return value
        if isinstance(value, Tensor):
            return self.constant(value)
        return Value((), lambda _: literal(value), isinstance(value, bool))

    def constant(self, known: Tensor) -> Value:
        """A tensor that depends on the data alone."""
        if id(known) not in self._known:
            self._known[id(known)] = self._constant(known)
        return self._known[id(known)]

    def _constant(self, known: Tensor) -> Value:
        is_truth, shape = known.dtype == torch.bool, tuple(known.shape)
        if known.numel() and bool((known == known.flatten()[0]).all()):
            same = known.flatten()[0].item()
            text = literal(bool(same) if is_truth else float(same))
            return Value(shape, lambda _: text, is_truth, lambda _: text, known)
        name, convert = self._pointer(known), "T" if is_truth else "K"
        steps = known.stride()

        def flat(at: Index) -> str:
            return f"{convert}({name}[{at}])"

        def at(own: Indices) -> str:
            found: Index = 0
            for index, step in zip(own, steps, strict=True):
                found = plus(found, times(index, step))
            return flat(found)

        return Value(shape, at, is_truth, flat if known.is_contiguous() else None, known)

    def indices(self, known: Tensor | Value, shape: Shape, size: int) -> Callable[[Indices], Index]:
        """The entries of integers in a shape to which they broadcast, as indices of an axis."""
        if isinstance(known, Value):
            if not self.loops:
                raise NotCompiled("indices that depend on latents have no code of their own")
            text = broadcast(known, shape)
            return lambda own: f"inside({text(own)}, {size})"
        known = known.long().expand(shape).contiguous()
        name, flat = self._pointer(known), known.flatten()

        def at(own: Indices) -> Index:
            found = place(own, shape)
            return int(flat[found]) if isinstance(found, int) else f"{name}[{found}]"

        return at

    def _pointer(self, known: Tensor) -> str:
        """The name of the array of a tensor of the data."""
        wide = known.detach() if known.dtype in C_TYPES else known.detach().double()
        same = (n for n, own in enumerate(self.constants) if own.data_ptr() == wide.data_ptr())
        number = next(same, len(self.constants))
        if number == len(self.constants):
            self.constants.append(wide)
        return f"c{number}"

    def entries(
        self,
        shape: Shape,
        at: Callable[[Indices], str],
        flat: Callable[[Index], str] | None = None,
        *,
        is_truth: bool = False,
    ) -> Value:
        """A tensor by the expression of each entry: inlined, a variable or an array.

        `flat` is that of an entry by its place in row-major order.
        """
        size = math.prod(shape)
        self.work += size
        if size != 1 and self.is_inlined():
            return Value(shape, at, is_truth, flat)
        if size != 1 and flat is not None:
            every = self.stored((size,), lambda own: flat(own[0]), is_truth=is_truth)
            return reshaped(every, shape)
        if size != 1:
            return self.stored(shape, at, is_truth=is_truth)
        name = f"t{next(self._names)}"
        self.lines.append(f"const {'M' if is_truth else 'V'} {name} = {at((0,) * len(shape))};")
        return scalar(name, shape, is_truth=is_truth)

    def stored(
        self, shape: Shape, at: Callable[[Indices], str], *, is_truth: bool = False
    ) -> Value:
        """A tensor as an array."""
        found, name = self.empty(shape, is_truth=is_truth)
        self.assign(name, shape, shape, lambda own: own, at)
        return found

    def flattened(self, value: Value) -> Value:
        """The same tensor as one whose entries have a place in row-major order."""
        if value.flat is not None:
            return value
        return self.stored(value.shape, value.at, is_truth=value.is_truth)

    def empty(self, shape: Shape, *, is_truth: bool = False) -> tuple[Value, str]:
        """An array without values, and its name."""
        size, name = math.prod(shape), f"a{next(self._names)}"
        storage = "" if size <= MOST_ON_STACK else "static "
        self.lines.append(f"{storage}{'M' if is_truth else 'V'} {name}[{max(1, size)}];")
        return array(name, shape, is_truth=is_truth), name

    def assign(
        self,
        name: str,
        whole: Shape,
        part: Shape,
        where: Callable[[Indices], Indices],
        at: Callable[[Indices], str],
    ) -> None:
        """Assigns the entries of a part of an array, by their indices in the part."""
        self.loop(part, lambda own: [f"{name}[{place(where(own), whole)}] = {at(own)};"])

    def assign_at(
        self,
        name: str,
        whole: Shape,
        part: Shape,
        where: Callable[[Indices], Indices],
        at: Callable[[Indices], str],
        sign: str,
    ) -> None:
        """Assigns entries of an array, or adds to them, one by one: they may be the same."""
        self.lines += looped(
            part, lambda own: [f"{name}[{place(where(own), whole)}] {sign} {at(own)};"]
        )

    def loop(
        self, shape: Shape, body: Callable[[Indices], Sequence[str]], variable: str = "i"
    ) -> None:
        """Statements for each entry of a shape."""
        self.lines += looped(shape, body, variable, VECTORS if self.loops else "")


VECTORS = '_Pragma("omp simd") '
"""What makes the compiler compute the passes of a loop together, as vectors."""


def looped(
    shape: Shape,
    body: Callable[[Indices], Sequence[str]],
    variable: str = "i",
    innermost: str = "",
) -> list[str]:
    """Statements for each entry of a shape: one after the other if they are few, else a loop.

    `innermost` is written before the innermost loop.
    """
    if math.prod(shape) <= UNROLLED:
        every = itertools.product(*map(range, shape))
        return [line for own in every for line in body(own)]
    axes = [axis for axis, size in enumerate(shape) if size > 1]
    own: list[Index] = [0] * len(shape)
    heads = []
    for axis in axes:
        own[axis] = name = f"{variable}{axis}"
        heads.append(f"for (long {name} = 0; {name} < {shape[axis]}; ++{name})")
    heads[-1] = innermost + heads[-1]
    return [" ".join(heads) + " {", *body(tuple(own)), "}"]
