"""The C++ code of sums and of products of matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from specc.engine.compile.cpp_code import UNROLLED, VECTORS, Code, looped
from specc.engine.compile.cpp_entries import NUMBERS, SUM, as_number, as_truth, by_entry
from specc.engine.compile.cpp_values import (
    Argument,
    Axes,
    Indices,
    Shape,
    Value,
    literal,
    place,
    plus,
    strides,
    times,
)
from specc.engine.compile.cpp_views import regrouped
from specc.engine.step.player import NotCompiled

# Sums


def reduced(
    form: str,
    start: str,
    code: Code,
    shape: Shape,
    x: Argument,
    axes: Axes = None,
    keepdim: bool = False,
    **_: object,
) -> Value:
    """A sum, or another function, over some axes: `form` joins the one so far and an entry."""
    own = as_number(code.operand(x))
    if isinstance(axes, int):
        axes = [axes]
    gone = {axis % max(1, len(own.shape)) for axis in axes or range(len(own.shape))}
    inner = tuple(size if axis in gone else 1 for axis, size in enumerate(own.shape))
    outer = tuple(1 if axis in gone else size for axis, size in enumerate(own.shape))
    found, name = code.empty(outer)
    code.work += own.size
    is_sum = form == SUM
    in_vectors = code.loops and is_sum and bool(inner) and inner[-1] >= VECTOR

    def entry(outside: Indices, inside: Indices) -> str:
        pairs = zip(inside, outside, strict=True)
        return own.at(tuple(a if axis in gone else b for axis, (a, b) in enumerate(pairs)))

    def alone(outside: Indices) -> list[str]:
        fold = summed if in_vectors else partial(folded, form, start)
        lines = fold(inner, partial(entry, outside))
        return ["{", *lines, f"{name}[{place(outside, outer)}] = s;", "}"]

    def together(*inside: Indices) -> list[str]:
        def body(outside: Indices) -> list[str]:
            target = f"{name}[{place(outside, outer)}]"
            terms = [entry(outside, each) for each in inside]
            if is_sum:
                return [f"{target} += {' + '.join(terms)};"]
            return [f"{target} = {form.format(target, term)};" for term in terms]

        return looped(outer, body, "k", VECTORS if code.loops else "")

    if 1 < math.prod(outer) <= math.prod(inner):
        # With few results and long sums the results are updated together.
        code.assign(name, outer, outer, lambda i: i, lambda _: start)
        code.lines += in_fours(inner, together, "j")
    elif in_vectors:
        code.lines += looped(outer, alone, "i")
    else:
        code.loop(outer, alone)
    return regrouped(found, shape)


VECTOR = 8
"""Neighbours from which on their sum is that of vectors."""


def summed(inner: Shape, entry: Callable[[Indices], str]) -> list[str]:
    """Statements that compute the sum `s` of all entries, several neighbours at a time."""
    sums = '_Pragma("omp simd reduction(+:s)") '
    lines = looped(inner, lambda own: [f"s = s + {entry(own)};"], "j", sums)
    return ["V s = V{};", *lines]


def folded(form: str, start: str, inner: Shape, entry: Callable[[Indices], str]) -> list[str]:
    """Statements that compute `s` of all entries, in four parts if they are many."""
    if math.prod(inner) <= UNROLLED:
        lines = looped(inner, lambda own: [f"s = {form.format('s', entry(own))};"], "j")
        return [f"V s = {start};", *lines]

    def body(*own: Indices) -> list[str]:
        names = (f"s{number}" for number in range(len(own)))
        pairs = zip(names, own, strict=True)
        return [f"{part} = {form.format(part, entry(each))};" for part, each in pairs]

    parts = form.format(form.format("s0", "s1"), form.format("s2", "s3"))
    heads = f"V s0 = {start}, s1 = s0, s2 = s0, s3 = s0;"
    return [heads, *in_fours(inner, body, "j"), f"const V s = {parts};"]


def in_fours(shape: Shape, body: Callable[..., list[str]], variable: str) -> list[str]:
    """Statements for the entries of a shape, four neighbours at a time and then the rest."""
    axis = max(range(len(shape)), key=lambda number: shape[number])
    if shape[axis] < 8:
        return looped(shape, body, variable)
    whole = shape[axis] - shape[axis] % 4
    fours = tuple(whole // 4 if number == axis else size for number, size in enumerate(shape))
    rest = tuple(shape[axis] - whole if n == axis else size for n, size in enumerate(shape))

    def four(own: Indices) -> list[str]:
        starts = times(own[axis], 4)
        every = (plus(starts, number) for number in range(4))
        return body(*((*own[:axis], each, *own[axis + 1 :]) for each in every))

    def one(own: Indices) -> list[str]:
        return body((*own[:axis], plus(own[axis], whole), *own[axis + 1 :]))

    return [*looped(fours, four, variable), *looped(rest, one, variable)]


def mean(
    code: Code, shape: Shape, x: Argument, axes: Axes = None, keepdim: bool = False, **_: object
) -> Value:
    """The mean over axes."""
    total = reduced(SUM, "V{}", code, shape, x, axes, keepdim)
    share = total.size / max(1, code.operand(x).size)
    return Value(shape, lambda own: f"({literal(share)} * {total.at(own)})")


def any_of(
    code: Code, shape: Shape, x: Argument, axes: Axes = None, keepdim: bool = False, **_: object
) -> Value:
    """Whether an entry along axes is true."""
    truth = as_truth(code.operand(x))
    return as_truth(reduced("v_maximum({0}, {1})", "V{}", code, shape, truth, axes, keepdim))


def all_of(
    code: Code, shape: Shape, x: Argument, axes: Axes = None, keepdim: bool = False, **_: object
) -> Value:
    """Whether all entries along axes are true."""
    truth = as_truth(code.operand(x))
    return as_truth(reduced("v_minimum({0}, {1})", "K(1.0)", code, shape, truth, axes, keepdim))


def cumsum(code: Code, shape: Shape, x: Argument, axis: int, **_: object) -> Value:
    """The sums of the entries so far along an axis."""
    if not shape:
        return as_number(code.operand(x))
    axis %= len(shape)
    own, (found, name) = as_number(code.operand(x)), code.empty(shape)
    outer = tuple(1 if number == axis else size for number, size in enumerate(shape))
    inner = tuple(size if number == axis else 1 for number, size in enumerate(shape))

    def body(outside: Indices) -> list[str]:
        def entry(inside: Indices) -> list[str]:
            both = tuple(inside[n] if n == axis else outside[n] for n in range(len(shape)))
            return [f"s = s + {own.at(both)};", f"{name}[{place(both, shape)}] = s;"]

        return ["{", "V s = V{};", *looped(inner, entry, "j"), "}"]

    code.loop(outer, body)
    return found


def argmax(
    code: Code, shape: Shape, x: Argument, axis: int | None = None, keepdim: bool = False
) -> Value:
    """The place of the first largest entry along an axis."""
    own = as_number(code.operand(x))
    if axis is None:
        raise NotCompiled("the largest entry of all has no code of its own")
    axis %= len(own.shape)
    outer = (*own.shape[:axis], 1, *own.shape[axis + 1 :])
    found, name = code.empty(outer)
    code.work += own.size

    def body(outside: Indices) -> list[str]:
        def entry(inside: Indices) -> list[str]:
            text = own.at((*outside[:axis], *inside, *outside[axis + 1 :]))
            return [f"n = where({text} > s, K({inside[0]}), n);", f"s = v_maximum(s, {text});"]

        lines = looped((own.shape[axis],), entry, "j")
        return [
            "{",
            "V s = K(-INFINITY), n = V{};",
            *lines,
            f"{name}[{place(outside, outer)}] = n;}}",
        ]

    code.loop(outer, body)
    return regrouped(found, shape)


# Matrices


def product(code: Code, shape: Shape, x: Argument, y: Argument) -> Value:
    """Products of matrices [..., n, k] and [..., k, m] with the same leading axes."""
    a, b = (as_number(code.operand(each)) for each in (x, y))
    *lead, n, k = a.shape
    m = b.shape[-1]
    if code.loops and not lead and min(n, k, m) > 0:
        return _in_tiles(code, shape, a, b)

    def term(own: Indices) -> str:
        first, (i, inner, j) = own[:-3], own[-3:]
        return f"({a.at((*first, i, inner))} * {b.at((*first, inner, j))})"

    pairs = Value((*lead, n, k, m), term)
    return reduced(SUM, "V{}", code, shape, pairs, [-2])


def _in_tiles(code: Code, shape: Shape, a: Value, b: Value) -> Value:
    """The product of matrices [n, k] and [k, m], some rows and columns at a time."""
    a = a if a.memory else code.stored(a.shape, a.at)
    b = b if b.memory and b.memory[1] == strides(b.shape) else code.stored(b.shape, b.at)
    assert a.memory is not None and b.memory is not None
    found, name = code.empty(shape)
    (n, k), m = a.shape, b.shape[1]
    code.work += n * k * m
    sizes = ", ".join(map(str, (n, k, m, *a.memory[1])))
    code.lines.append(f"product<{sizes}>({a.memory[0]}, {b.memory[0]}, {name});")
    return found


def matrix_vector(code: Code, shape: Shape, x: Argument, y: Argument) -> Value:
    """The product of a matrix [n, k] and a vector [k]."""
    a, b = (code.operand(each) for each in (x, y))
    column = product(code, (a.shape[0], 1), a, regrouped(b, (*b.shape, 1)))
    return regrouped(column, shape)


def dot(code: Code, shape: Shape, x: Argument, y: Argument) -> Value:
    """The product of two vectors."""
    a, b = (code.operand(each) for each in (x, y))
    found = product(code, (1, 1), regrouped(a, (1, *a.shape)), regrouped(b, (*b.shape, 1)))
    return regrouped(found, shape)


def add_product(
    code: Code, shape: Shape, x: Argument, a: Argument, b: Argument, **options: float
) -> Value:
    """A tensor plus a product of matrices."""
    if options:
        raise NotCompiled("scales of `addmm` have no code of their own")
    return by_entry(NUMBERS["add"], code, shape, x, product(code, shape, a, b))
