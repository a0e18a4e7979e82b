"""The C++ code of operations entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from specc.engine.compile.cpp_code import Code
from specc.engine.compile.cpp_values import (
    Argument,
    Index,
    Indices,
    Shape,
    Value,
    broadcast,
    literal,
)
from specc.engine.step.player import NotCompiled

NUMBERS = {
    "add": "({0} + {1})",
    "sub": "({0} - {1})",
    "mul": "({0} * {1})",
    "div": "({0} / {1})",
    "neg": "(-{0})",
    "reciprocal": "(K(1.0) / {0})",
    "rsqrt": "(K(1.0) / v_sqrt({0}))",
    "abs": "v_abs({0})",
    "sign": "v_sign({0})",
    "sgn": "v_sign({0})",
    "relu": "v_relu({0})",
    "sigmoid": "v_sigmoid({0})",
    "maximum": "v_maximum({0}, {1})",
    "minimum": "v_minimum({0}, {1})",
    **{
        name: f"v_{name}({{0}})"
        for name in (
            *("exp", "log", "log1p", "expm1", "sin", "cos", "tan", "tanh", "atan", "erf", "erfc"),
            *("lgamma", "digamma", "sqrt", "floor", "ceil"),
        )
    },
    **{f"special_{name}": f"v_{name}({{0}})" for name in ("erfcx", "ndtr", "log_ndtr")},
}
"""The expression of an entry, for results that are numbers."""

TRUTHS = {
    "eq": "({0} == {1})",
    "ne": "({0} != {1})",
    "lt": "({0} < {1})",
    "le": "({0} <= {1})",
    "gt": "({0} > {1})",
    "ge": "({0} >= {1})",
    "isnan": "is_nan({0})",
    "isinf": "is_inf({0})",
}
"""The same for comparisons of numbers."""

LOGIC = {
    "logical_and": "({0} & {1})",
    "bitwise_and": "({0} & {1})",
    "logical_or": "({0} | {1})",
    "bitwise_or": "({0} | {1})",
    "logical_not": "(!{0})",
    "bitwise_not": "(!{0})",
}
"""The same for truth values of truth values."""

SUM = "{0} + {1}"
POWERS = {2: "v_square({0})", 3: "v_cube({0})", 1: "{0}", 0.5: "v_sqrt({0})", -1: "(K(1.0) / {0})"}
"""The powers that are not computed by `pow`."""


def as_number(value: Value) -> Value:
    """Numbers of a value, 1 for true."""
    if not value.is_truth:
        return value
    flat = value.flat
    made = flat and (lambda own: f"number({flat(own)})")
    return Value(value.shape, lambda own: f"number({value.at(own)})", flat=made)


def as_truth(value: Value) -> Value:
    """Truth values of a value, true unless it is 0."""
    if value.is_truth:
        return value
    flat = value.flat
    made = flat and (lambda own: f"({flat(own)} != V{{}})")
    return Value(value.shape, lambda own: f"({value.at(own)} != V{{}})", True, made)


def by_entry(form: str, code: Code, shape: Shape, *inputs: Argument, **options: float) -> Value:
    """An operation entry by entry by its expression."""
    is_truth, convert = form in TRUTHS.values(), as_truth if form in LOGIC.values() else as_number
    values = [convert(code.operand(each)) for each in inputs]
    own = [broadcast(each, shape) for each in values]
    scale = options.pop("alpha", 1)
    if options:
        raise NotCompiled(f"the option `{next(iter(options))}` has no code of its own")

    def of(texts: list[str]) -> str:
        if scale != 1:
            texts[1] = f"({literal(scale)} * {texts[1]})"
        return form.format(*texts)

    def at(indices: Indices) -> str:
        return of([each(indices) for each in own])

    flat = in_order(values, shape)
    is_truth = is_truth or form in LOGIC.values()
    return code.entries(shape, at, flat and (lambda own: of(flat(own))), is_truth=is_truth)


def in_order(values: Sequence[Value], shape: Shape) -> Callable[[Index], list[str]] | None:
    """The entries of values by their place, if all that are not single numbers are in one order."""
    wide = [each for each in values if each.size > 1]
    if not wide or any(each.flat is None or each.shape != shape for each in wide):
        return None

    def texts(own: Index) -> list[str]:
        return [
            each.flat(own) if each.size > 1 and each.flat else each.at((0,) * len(each.shape))
            for each in values
        ]

    return texts


def power(code: Code, shape: Shape, base: Argument, exponent: Argument) -> Value:
    """A power; the usual ones are products and roots."""
    if isinstance(exponent, (int, float)) and exponent in POWERS:
        return by_entry(POWERS[exponent], code, shape, base)
    return by_entry("v_pow({0}, {1})", code, shape, base, exponent)


def choice(code: Code, shape: Shape, chosen: Argument, x: Argument, y: Argument) -> Value:
    """The entries of x where a truth value holds, and else those of y."""
    truth, *rest = (code.operand(each) for each in (chosen, x, y))
    is_truth = all(each.is_truth for each in rest)
    values = [as_truth(truth), *(rest if is_truth else map(as_number, rest))]
    form = "(({0} & {1}) | ((!{0}) & {2}))" if is_truth else "where({0}, {1}, {2})"
    own = [broadcast(each, shape) for each in values]
    flat = in_order(values, shape)
    return code.entries(
        shape,
        lambda i: form.format(*(each(i) for each in own)),
        flat and (lambda i: form.format(*flat(i))),
        is_truth=is_truth,
    )


def clamp(
    code: Code,
    shape: Shape,
    x: Argument,
    low: Argument | None = None,
    high: Argument | None = None,
    **named: Argument | None,
) -> Value:
    """Entries within bounds."""
    low, high = named.get("min", low), named.get("max", high)
    form, bounds = "{0}", [each for each in (low, high) if each is not None]
    if low is not None:
        form = f"v_maximum({form}, {{1}})"
    if high is not None:
        form = f"v_minimum({form}, {{{len(bounds)}}})"
    return by_entry(form, code, shape, x, *bounds)


def copied(code: Code, shape: Shape, x: Value, **options: float) -> Value:
    """Entries of another type."""
    kind = options.get("dtype") or (torch.bool if x.is_truth else code.number)
    if kind == torch.int64 and code.loops:
        return by_entry("v_trunc({0})", code, shape, x)
    if kind not in (torch.bool, code.number) and not x.is_truth:
        raise NotCompiled("a conversion to integers has no code of its own")
    return as_truth(x) if kind == torch.bool else as_number(x)


def same(code: Code, shape: Shape, x: Value, **_: object) -> Value:
    """The same tensor."""
    return x
