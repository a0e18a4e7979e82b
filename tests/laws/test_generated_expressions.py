"""Generated code of expressions, on batches, against numpy on single events.

Each expression is evaluated event by event with numpy, and by the generated code on tensors with
one and with two axes before the event, in float64 up to rounding.
"""

import ast
import inspect
import math

import numpy as np
import pytest
import torch
from scipy import special

from tests.laws.compiling import program
from tests.laws.estimating import settle

SPEC = """specc: 1
name: tiny
constants: {{half: 0.5, triple: [1, 2, 3]}}
plates: {{groups: 4}}
model:
  s: {{given: s}}
  v: {{given: v, shape: [3]}}
  m: {{given: m, shape: [2, 3]}}
  k: {{given: k, plate_index: groups}}
  a: {{parameter: real}}
  p: {{parameter: positive}}
  b: {{parameter: real, shape: [3]}}
  w: {{parameter: real, shape: [3, 4]}}
  c: {{parameter: real, shape: [2, 3]}}
  u: {{parameter: real, plate: groups, shape: [3]}}
  y: {{let: "{text}"}}
  used: {{let: "a + p + b + w[0][0] + c + u[k] + s + v + m"}}
  x: {{observed: normal, loc: "used", scale: 1, shape: [2, 3]}}
objective: mle
"""

EXPRESSIONS = [
    "2 * s + 1",
    "-s ** 2",
    "s - (s - 1)",
    "s / (1 + s * s)",
    "s + v",
    "v * s - b",
    "m + v",
    "m * s",
    "s + m",
    "v + m * 2",
    "b + a",
    "c * m - s",
    "p * v",
    "half * v + triple",
    "v + [1, 2, 3]",
    "[1, 2, 3] * s",
    "[s, a, 2]",
    "v @ b",
    "b @ v",
    "v @ v",
    "v @ w",
    "m @ b",
    "c @ v",
    "m @ v",
    "m @ w",
    "(m @ w) @ [1, 0, 0, 1]",
    "-(v @ w)",
    "v[0]",
    "v[-1] * s",
    "m[1]",
    "m[1][2]",
    "u[k]",
    "u[k] @ v",
    "s * u[k]",
    "exp(v) + log(p)",
    "sigmoid(s) * tanh(v)",
    "softplus(m) - sqrt(1 + square(v))",
    "sum(v)",
    "sum(m) + s",
    "mean(v) * v",
    "concat(v, s)",
    "concat(v, b, v)",
    "softmax(v)",
    "logsumexp(v)",
    "abs(s) ** 0.5",
    "2 ** 3 * s",
    "exp(1) * s",
    "dim(v) * s",
    "max(v) - min(v)",
    "relu(v - s)",
    "squared_distances(v, c)",
    "squared_distances(b, m)",
    "c[argmin(squared_distances(v, c))]",
    "c[0][argmax(m[1])] * s",
]

NUMPY = {
    "exp": np.exp,
    "log": np.log,
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "softplus": lambda x: np.logaddexp(0.0, x),
    "sqrt": np.sqrt,
    "square": np.square,
    "sum": np.sum,
    "mean": np.mean,
    "abs": np.abs,
    "max": np.max,
    "min": np.min,
    "relu": lambda x: np.maximum(x, 0.0),
    "softmax": special.softmax,
    "logsumexp": special.logsumexp,
    "concat": lambda *parts: np.concatenate([np.atleast_1d(x) for x in parts]),
    "dim": np.size,
    "argmax": np.argmax,
    "argmin": np.argmin,
    "squared_distances": lambda x, c: ((x - c) ** 2).sum(-1),
    "half": 0.5,
    "triple": np.array([1.0, 2.0, 3.0]),
}


class Literal(ast.NodeTransformer):
    """Converts lists of a spec to numpy arrays."""

    def visit_List(self, node):
        self.generic_visit(node)
        return ast.Call(ast.Name("array", ast.Load()), [node], [])


def reference(text, values):
    """The value of the expression for one event, by the parser of Python and numpy."""
    tree = ast.fix_missing_locations(Literal().visit(ast.parse(text, mode="eval")))
    names = {**NUMPY, **values, "array": lambda items: np.array(items, dtype=float)}
    return np.asarray(eval(compile(tree, "spec", "eval"), names))


def numpy_of(model):
    found = {name: getattr(model, name).detach().numpy() for name in ("a", "p", "b", "w", "c", "u")}
    return {name: float(v) if v.ndim == 0 else v for name, v in found.items()}


@pytest.mark.parametrize("leading", [(5,), (2, 5)], ids=["rows", "particles and rows"])
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_it_is_numpys(text, leading, tmp_path):
    made = program(SPEC.format(text=text), tmp_path)
    settle(made, seed=2)
    generator = torch.Generator().manual_seed(1)
    draw = {
        "s": torch.randn(*leading, generator=generator, dtype=torch.float64),
        "v": torch.randn(*leading, 3, generator=generator, dtype=torch.float64),
        "m": torch.randn(*leading, 2, 3, generator=generator, dtype=torch.float64),
        "k": torch.randint(4, leading, generator=generator),
    }
    method = made.model.y
    taken = {name: draw[name] for name in inspect.signature(method).parameters}
    if not taken:
        pytest.skip("no event enters it")
    found = method(**taken).detach().numpy()
    known = numpy_of(made.model)
    for index in np.ndindex(*leading):
        event = {name: value[index].numpy() for name, value in draw.items()}
        event["k"] = int(event["k"])
        expected = reference(text, {**known, **event})
        np.testing.assert_allclose(found[index], expected, rtol=1e-12, atol=1e-12)
    assert math.isfinite(found.sum())
