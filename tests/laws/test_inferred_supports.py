"""Values of random expressions lie in the supports that the compiler infers.

600 expressions of numbers, vectors and matrices, 25 random inputs each, in extended precision.
Five wrong rules, planted one at a time, are found.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

from specc.catalog import interval
from specc.catalog.interval import between, high, low
from specc.catalog.supports import SIMPLEX, Ordered
from specc.compiler import front
from specc.diagnostics.source import Source
from specc.graph.passes import orders, structured, supports

from .calling import lies_in

HEAD = """specc: 1
name: many
data: {source: npz, path: a.npz, fields: {x: {from: x, shape: []}}}
model:
  r: {parameter: real}
  a: {parameter: positive}
  p: {parameter: unit_interval}
  u: {parameter: real, shape: [3]}
  v: {parameter: positive, shape: [3]}
  q: {parameter: unit_interval, shape: [3]}
  theta: {parameter: simplex, shape: [3]}
  phi: {parameter: simplex, shape: [3]}
  beta: {parameter: simplex, shape: [3, 3]}
  m: {parameter: real, shape: [3, 3]}
  c: {parameter: ordered, shape: [3]}
  d: {parameter: ordered, shape: [2]}
  l: {let: "[p, 1 - p, 0]"}
"""
NUMBERS = ["r", "a", "p", "0.25", "2", "1", "-1.5", "c[0]", "q[1]"]
VECTORS = ["u", "v", "q", "theta", "phi", "c", "c", "l"]
MATRICES = ["beta", "beta", "m"]
ELEMENTWISE = ["exp", "sigmoid", "tanh", "softplus", "square", "abs", "relu", "-"]
FORMS = {
    "n": [
        "({n} + {n})", "({n} - {n})", "{n} * {n}", "{n} / {n}", "(1 - {n})", "{n} ** 2", "{f}({n})",
        "sum({v})", "max({v})", "min({v})", "mean({v})", "prod({v})", "({v} @ {v})", "{=v} @ {=v}",
        "({=v}[2] - {=v}[0])", "({=v}[0] - {=v}[1])", "{=n} * {=n}",
    ],
    "v": [
        "({v} + {v})", "({v} - {v})", "{v} * {v}", "({n} - {v})", "({v} + {n})", "{n} * {v}",
        "{v} / {n}", "{f}({v})", "softmax({v})", "({v} @ {m})", "({m} @ {v})", "sort({v})",
        "cumsum({v})", "cumprod({v})", "{=v} / sum({=v})", "(p * {v} + (1 - p) * {v})",
        "({v} + {v}) / 2", "0.25 * ({v} + 3 * {v})", "diff(concat({n}, {v}))", "{m}[1]",
        "diff(concat(0, sigmoid({n} + d), 1))", "diff(concat(0, 1 - cumprod(1 - q), 1))[0] * {v}",
        "diff(concat({v}, {n}))", "(p * {v} + {n} * {v})",
    ],
    "m": [
        "({m} + {m})", "{n} * {m}", "({m} @ {m})", "(p * {m} + (1 - p) * {m})", "{f}({m})",
        "softmax({m})", "({m} * {v})",
    ],
}  # fmt: skip
LEAVES = {"n": NUMBERS, "v": VECTORS, "m": MATRICES}


class Unclear(Exception):
    """A value is too large, or a divisor too small, for a sign that rounding leaves alone."""


def made(kind: str, depth: int, rng: random.Random) -> str:
    """A random expression of a number, a vector of 3 or a 3 x 3 matrix."""
    if depth == 0 or rng.random() < 0.15:
        return rng.choice(LEAVES[kind])
    form = rng.choice(FORMS[kind])
    for same in ("{=v}", "{=n}"):
        form = form.replace(same, made(same[2], depth - 1, rng)) if same in form else form
    while "{" in form:
        head, _, rest = form.partition("{")
        hole, _, tail = rest.partition("}")
        part = rng.choice(ELEMENTWISE) if hole == "f" else made(hole, depth - 1, rng)
        form = head + part + tail
    return f"({form})"


def moderate(function):
    def checked(x):
        if np.max(np.abs(x)) > 6:
            raise Unclear
        return function(x)

    return checked


def softmax(x):
    e = moderate(np.exp)(x)
    return e / e.sum(-1, keepdims=True)


NUMPY = {
    "exp": moderate(np.exp),
    "sigmoid": moderate(lambda x: 1 / (1 + np.exp(-x))),
    "tanh": moderate(np.tanh),
    "softplus": moderate(lambda x: np.log1p(np.exp(x))),
    "square": np.square,
    "abs": np.abs,
    "relu": lambda x: np.maximum(x, 0),
    "softmax": softmax,
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "prod": np.prod,
    "sort": np.sort,
    "cumsum": np.cumsum,
    "cumprod": np.cumprod,
    "diff": np.diff,
    "concat": lambda *parts: np.concatenate([np.atleast_1d(part) for part in parts]),
}


class Exact(np.ndarray):
    """An array whose quotients by numbers near 0 are unclear."""

    def __truediv__(self, other):
        if np.min(np.abs(other)) < 1e-4:
            raise Unclear
        return np.divide(np.asarray(self), np.asarray(other)).view(Exact)

    def __rtruediv__(self, other):
        return np.asarray(other).view(Exact).__truediv__(self)


def inputs(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Random values of the nodes of `HEAD`."""
    unit = lambda *shape: rng.choice([0.02, 0.3, 0.5, 0.9, 0.98], shape)  # noqa: E731
    simplex = lambda *shape: rng.dirichlet(np.full(3, 0.4), shape)  # noqa: E731
    found = {
        "r": 1.5 * rng.normal(),
        "a": np.exp(rng.normal()),
        "p": unit(),
        "u": rng.choice([-2.0, -0.5, 0.0, 0.5, 1.0], 3),
        "v": rng.choice([0.1, 0.5, 1.0, 2.0], 3),
        "q": unit(3),
        "theta": simplex(),
        "phi": simplex(),
        "beta": simplex(3),
        "m": rng.normal(size=(3, 3)),
        "c": 2 * rng.normal() + np.cumsum(rng.choice([0.01, 1.0, 2.0], 3)),
        "d": rng.normal() + np.cumsum(rng.choice([0.1, 1.0], 2)),
    }
    found["l"] = np.array([found["p"], 1 - found["p"], 0.0])
    return {name: np.asarray(v, np.longdouble).view(Exact) for name, v in found.items()}


def wrong(count: int, seed: int) -> list[str]:
    """The expressions with a value outside their support, out of `count` random ones."""
    rng = random.Random(seed)
    texts = [made(rng.choice("nvvm"), rng.choice([1, 2, 3]), rng) for _ in range(count)]
    nodes = "".join(f'  e{i}: {{let: "{text}"}}\n' for i, text in enumerate(texts))
    last = "  x: {observed: normal, loc: r, scale: 1}\nobjective: mle\n"
    found = front(Source("many.yaml", HEAD + nodes + last))
    errors = [d for d in found.diagnostics if d.code[0] == "E" and d.code != "E0423"]
    assert not errors, errors[0]
    values = [inputs(np.random.default_rng(s)) for s in range(25)]
    return [
        text
        for i, text in enumerate(texts)
        if not all(holds(text, found.typed.type("model", f"e{i}").support, v) for v in values)
    ]


def holds(text: str, support, values) -> bool:
    """Whether the value lies in the support, or is unclear."""
    try:
        value = np.asarray(eval(text, {**NUMPY, **values}), np.longdouble)
    except Unclear:
        return True
    is_clear = np.isfinite(value).all() and np.max(np.abs(value)) < 1e6
    return not is_clear or lies_in(support, value)


@pytest.mark.parametrize("seed", range(4))
def test_values_lie_in_the_support_that_was_inferred(seed):
    assert wrong(150, seed) == []


def product_of_ends(a, b):
    return between((low(a)[0] * low(b)[0], True), (high(a)[0] * high(b)[0], True))


PLANTED = {
    "the rows on the right need not sum to one": (
        supports,
        "matmul",
        lambda a, b, rank: SIMPLEX if a == SIMPLEX else structured.arithmetic_support("@", a, b),
    ),
    "the weights of a mean need not sum to one": (structured, "_is_one", lambda total: True),
    "a product lies between those of the ends": (interval, "multiply", product_of_ends),
    "a negative number leaves the order": (
        orders,
        "_scaled",
        lambda a, by: a if isinstance(a, Ordered) else None,
    ),
    "any vector may be added to an ordered one": (
        orders,
        "_sum",
        lambda a, b, number: Ordered() if isinstance(a, Ordered) else None,
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_wrong_rule_is_found(name, monkeypatch):
    home, function, rule = PLANTED[name]
    monkeypatch.setattr(home, function, rule)
    assert any(wrong(150, seed) for seed in range(4))
