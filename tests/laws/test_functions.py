"""Laws of every function: its value against an oracle, its shape rule, its support rule."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage, special

from specc.catalog.entry import ShapeMismatch
from specc.catalog.registry import FUNCTIONS
from specc.catalog.supports import (
    BOOLEAN,
    NATURAL,
    NONNEGATIVE,
    ONE_HOT,
    OPEN_UNIT_INTERVAL,
    POSITIVE,
    REAL,
    SIMPLEX,
    UNIT_INTERVAL,
    Integers,
    Interval,
    bounds,
    contains,
    describe,
    point,
)
from specc.runtime.functions.elementwise import known

from .calling import call, draw, lies_in
from .cumulative_cases import CUMULATIVE_CASES
from .matrix_cases import KERNEL_CASES, MATRIX_CASES

ABOVE = Interval(low=-1.0, low_open=True)

# name: (oracle of one event in numpy, supports of the arguments, shapes of the events)
SCALAR = [()]
ANY = [(), (4,), (2, 3)]
PLAIN = {
    "exp": (np.exp, REAL),
    "log": (np.log, POSITIVE),
    "log_probs": (np.log, POSITIVE),
    "lgamma": (special.gammaln, POSITIVE),
    "log1p": (np.log1p, ABOVE),
    "expm1": (np.expm1, REAL),
    "sqrt": (np.sqrt, NONNEGATIVE),
    "square": (np.square, REAL),
    "abs": (np.abs, REAL),
    "sigmoid": (special.expit, REAL),
    "logit": (special.logit, OPEN_UNIT_INTERVAL),
    "softplus": (lambda x: np.logaddexp(x, 0.0), REAL),
    "tanh": (np.tanh, REAL),
    "relu": (lambda x: np.maximum(x, 0.0), REAL),
    "sin": (np.sin, REAL),
    "cos": (np.cos, REAL),
    "erf": (special.erf, REAL),
    "stop": (lambda x: x, REAL),
    "sum": (np.sum, REAL),
    "mean": (np.mean, REAL),
    "prod": (np.prod, REAL),
    "max": (np.max, REAL),
    "min": (np.min, REAL),
    "norm": (lambda x: np.sqrt(np.sum(x * x)), REAL),
    "logsumexp": (special.logsumexp, REAL),
    "flatten": (np.ravel, REAL),
    "known": (np.ones_like, REAL),
}
CROSS = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
CASES = {name: (oracle, (where,), [(s,) for s in ANY]) for name, (oracle, where) in PLAIN.items()}
CASES["softmax"] = (lambda x: special.softmax(x, -1), (REAL,), [((4,),), ((2, 3),)])
CASES["log_softmax"] = (lambda x: special.log_softmax(x, -1), (REAL,), [((4,),), ((2, 3),)])
CASES["mse"] = (lambda x, y: np.mean((x - y) ** 2), (REAL, REAL), [(s, s) for s in ANY])
CASES["dot"] = (np.dot, (REAL, REAL), [((5,), (5,))])
CASES["squared_distances"] = (
    lambda x, points: np.array([np.sum((x - c) ** 2) for c in points]),
    (REAL, REAL),
    [((3,), (4, 3)), ((1,), (1, 1))],
)
CASES["clip"] = (
    lambda x, low, high: np.minimum(np.maximum(x, low), high),
    (REAL, REAL, REAL),
    [((), (), ()), ((3,), (), ()), ((2, 3), (3,), (2, 1))],
)
CASES["concat"] = (
    lambda *parts: np.concatenate([np.atleast_1d(p) for p in parts]),
    (REAL, REAL, REAL),
    [((2,), (3,), (1,)), ((), (2,), ()), ((), (), ())],
)
CASES["append_zero"] = (
    lambda x: np.concatenate([x, np.zeros((*x.shape[:-1], 1))], -1),
    (REAL,),
    [((4,),), ((2, 3),)],
)
CASES["drop_last"] = (lambda x: x[..., :-1], (REAL,), [((4,),), ((2, 3),)])
CASES["first"] = (lambda x: x[0], (REAL,), [((4,),), ((2, 3),)])
CASES["last"] = (lambda x: x[-1], (REAL,), [((4,),), ((2, 3),)])
CASES |= MATRIX_CASES | KERNEL_CASES | CUMULATIVE_CASES
OF_IMAGES = {"average_pool", "blocks", "neighbors", "unblocks"}
FIXED = (
    OF_IMAGES
    | {"argmax", "argmin", "one_hot", "eye", "linspace", "index", "grad", "laplacian", "rk4"}
    | {n for n in FUNCTIONS if FUNCTIONS[n].over_rows or FUNCTIONS[n].scalar}
)
NAMES = tuple(FUNCTIONS)


def test_every_function_has_a_case():
    assert {*CASES, *FIXED} == set(NAMES)
    assert tuple(sorted(NAMES)) == NAMES


@pytest.mark.parametrize("leading", [(), (5,), (3, 5)])
@pytest.mark.parametrize(
    ("name", "shapes"), [(name, shapes) for name in CASES for shapes in CASES[name][2]]
)
def test_value_and_shape(name: str, shapes, leading):
    oracle, wheres, _ = CASES[name]
    entry = FUNCTIONS[name]
    rng = np.random.default_rng(7)
    events = [
        draw(where, (*leading, *shape), rng) for where, shape in zip(wheres, shapes, strict=True)
    ]
    result = call(entry, *((torch.tensor(e), len(s)) for e, s in zip(events, shapes, strict=True)))
    assert result.shape == (*leading, *entry.shape(shapes))
    assert result.dtype == torch.float64
    wanted = np.empty((*leading, *entry.shape(shapes)))
    for at in np.ndindex(*leading):
        wanted[at] = oracle(*(e[at] for e in events))
    np.testing.assert_allclose(result.numpy(), wanted, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("shape", [(3, 4), (1, 5), (4, 3, 2)])
def test_neighbors(shape):
    """Against a convolution with a cross; symmetric, and between the stated pairs of entries."""
    entry, size = FUNCTIONS["neighbors"], math.prod(shape)
    grid = np.random.default_rng(7).normal(size=(6, *shape))
    found = call(entry, (torch.tensor(grid), len(shape)))
    kernel = CROSS.reshape(3, 3, *[1] * (len(shape) - 2))
    wanted = [ndimage.convolve(each, kernel, mode="constant") for each in grid]
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12, atol=1e-12)
    unit = torch.eye(size, dtype=torch.float64).reshape(size, *shape)
    matrix = call(entry, (unit, len(shape))).reshape(size, size).numpy()
    assert (matrix == matrix.T).all()
    pairs = np.zeros((size, size))
    for i, j in entry.couples(shape):
        pairs[i, j] = pairs[j, i] = 1
    assert (pairs == matrix).all()


@pytest.mark.parametrize("leading", [(), (5,), (3, 5)])
def test_one_hot(leading):
    labels = torch.randint(0, 4, (*leading, 2), generator=torch.Generator().manual_seed(1))
    entry = FUNCTIONS["one_hot"]
    result = call(entry, (labels, 1), (4, 0))
    assert result.shape == (*leading, *entry.shape(((2,), (4,))))
    assert torch.equal(result, torch.eye(4)[labels])
    assert torch.equal(call(entry, (labels.double(), 1), (4, 0)), result)


@pytest.mark.parametrize("leading", [(), (5,), (3, 5)])
@pytest.mark.parametrize("shape", ANY)
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_the_number_of_an_extreme_entry(name, shape, leading):
    """Of equal entries the first, as in numpy; 0 for a single number."""
    values = np.random.default_rng(7).integers(0, 3, (*leading, *shape)).astype(float)
    entry, axes = FUNCTIONS[name], len(leading)
    result = call(entry, (torch.tensor(values), len(shape)))
    wanted = getattr(np, name)(values.reshape(*leading, -1), axis=axes)
    assert result.dtype == torch.int64
    assert entry.shape((shape,)) == ()
    np.testing.assert_array_equal(result.numpy(), wanted)


@pytest.mark.parametrize("leading", [(), (5,), (3, 5)])
@pytest.mark.parametrize(("shape", "size"), [((4, 6), 2), ((3, 9, 3), 3), ((2, 2), 1)])
def test_the_mean_of_each_block(shape, size, leading):
    image = np.random.default_rng(7).normal(size=(*leading, *shape))
    entry = FUNCTIONS["average_pool"]
    result = call(entry, (torch.tensor(image), len(shape)), (size, 0)).numpy()
    assert result.shape == (*leading, *entry.shape((shape, (size,))))
    for i, j in np.ndindex(*result.shape[-2:]):
        block = image[..., i * size : (i + 1) * size, j * size : (j + 1) * size]
        np.testing.assert_allclose(result[..., i, j], block.mean((-1, -2)))


@pytest.mark.parametrize("leading", [(), (5,), (3, 5)])
@pytest.mark.parametrize(("shape", "size"), [((4, 6), 2), ((3, 9, 3), 3), ((2, 2), 1)])
def test_blocks_and_their_inverse(shape, size, leading):
    image = np.random.default_rng(7).normal(size=(*leading, *shape))
    entry, inverse = FUNCTIONS["blocks"], FUNCTIONS["unblocks"]
    found = call(entry, (torch.tensor(image), len(shape)), (size, 0))
    assert found.shape == (*leading, *entry.shape((shape, (size,))))
    for i, j in np.ndindex(*found.shape[-3:-1]):
        block = image[..., i * size : (i + 1) * size, j * size : (j + 1) * size]
        wanted = block.reshape(*block.shape[:-2], -1)
        np.testing.assert_array_equal(found[..., i, j, :].numpy(), wanted)
    back = call(inverse, (found, len(shape) + 1), (size, 0))
    assert inverse.shape((entry.shape((shape, (size,))), (size,))) == shape
    np.testing.assert_array_equal(back.numpy(), image)


@pytest.mark.parametrize("leading", [(), (5,)])
@pytest.mark.parametrize(("shape", "axes"), [((4,), 1), ((2, 3), 1), ((2, 3, 4), 2)])
def test_the_logsumexp_of_some_axes(shape, axes, leading):
    value = np.random.default_rng(7).normal(size=(*leading, *shape))
    entry = FUNCTIONS["logsumexp"]
    found = call(entry, (torch.tensor(value), len(shape)), (axes, 0)).numpy()
    assert found.shape == (*leading, *entry.shape((shape, (axes,))))
    over = tuple(range(-axes, 0))
    np.testing.assert_allclose(found, special.logsumexp(value, over), rtol=1e-12)


@pytest.mark.parametrize("leading", [(), (5,)])
def test_known(leading):
    """The mask in the dtype of the value, or in the default floating-point dtype for integers."""
    value = torch.arange(6.0, dtype=torch.float64).expand(*leading, 6)
    mask = value % 2 == 0
    found = known(value, mask=mask)
    assert found.dtype == torch.float64
    assert found.tolist() == mask.tolist()
    assert known(value.long(), mask=mask).dtype == torch.get_default_dtype()
    assert known(mask).tolist() == torch.ones_like(mask).tolist()


def test_index():
    entry = FUNCTIONS["index"]
    assert torch.equal(call(entry, (3, 0)), torch.arange(3))
    assert entry.shape(((3,),)) == (3,)
    assert entry.constant(3) == (0.0, 1.0, 2.0)
    assert entry.constant(10**9) is None


def test_eye():
    entry = FUNCTIONS["eye"]
    assert torch.equal(call(entry, (3, 0)), torch.eye(3))
    assert entry.shape(((3,),)) == (3, 3)
    assert entry.constant(2) == ((1.0, 0.0), (0.0, 1.0))


def test_linspace():
    entry = FUNCTIONS["linspace"]
    ends = np.array([[0.1, -2.0], [0.3, 5.0]])
    found = call(entry, *((torch.tensor(end), 0) for end in ends), (7, 0))
    assert np.allclose(found, np.linspace(*ends, 7).T, atol=1e-15)
    assert np.array_equal(found[:, [0, -1]], ends.T)
    assert np.allclose(entry.constant(0.1, 0.3, 7), np.linspace(0.1, 0.3, 7), rtol=1e-15)
    assert np.allclose(call(entry, (0.1, 0), (0.3, 0), (7, 0)), np.linspace(0.1, 0.3, 7))
    assert entry.shape(((), (), (7,))) == (7,)
    assert entry.support((point(0.1), point(0.3), REAL)) == Interval(0.1, 0.3)
    assert entry.constant(0.0, 1.0, 1) is None
    for shapes in (((), (), (1,)), ((2,), (), (3,))):
        with pytest.raises(ShapeMismatch):
            entry.shape(shapes)


def test_leading_axes_of_several_arguments_broadcast():
    wide, narrow = torch.rand(7, 5, 2), torch.rand(5, 3)
    joined = call(FUNCTIONS["concat"], (wide, 1), (narrow, 1), (2.0, 0))
    assert joined.shape == (7, 5, 6)
    assert torch.equal(joined[3, 4], torch.cat([wide[3, 4], narrow[4], torch.tensor([2.0])]))


def test_a_number_beside_a_tensor_takes_its_type():
    precise = torch.tensor([0.25], dtype=torch.float64)
    joined = call(FUNCTIONS["concat"], (precise, 1), (0.1, 0))
    assert joined.dtype == torch.float64
    assert joined[1] == 0.1
    clipped = call(FUNCTIONS["clip"], (0.1, 0), (precise, 1), (0.5, 0))
    assert (clipped.dtype, clipped.item()) == (torch.float64, 0.25)
    whole = call(FUNCTIONS["clip"], (torch.tensor([0, 3]), 1), (0.5, 0), (torch.ones(1), 1))
    assert whole.tolist() == [0.5, 1.0]


@pytest.mark.parametrize("name", ["mean", "norm", "softmax", "log_softmax"])
def test_whole_numbers_become_real(name: str):
    counts = torch.tensor([1, 2, 4])
    entry = FUNCTIONS[name]
    assert torch.allclose(call(entry, (counts, 1)), call(entry, (counts.float(), 1)))
    scalar = torch.tensor(3)
    if entry.event_dims:
        assert call(entry, (scalar, 0)).item() == 3


def test_nothing_flows_back_through_stop():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    assert not call(FUNCTIONS["stop"], (x, 1)).requires_grad


# supports

SUPPORTS = [
    REAL,
    POSITIVE,
    NONNEGATIVE,
    UNIT_INTERVAL,
    OPEN_UNIT_INTERVAL,
    BOOLEAN,
    NATURAL,
    SIMPLEX,
    ONE_HOT,
    Interval(-1.0, 1.0),
    Interval(high=0.0),
    Interval(high=0.0, high_open=True),
    Interval(-2.5, -0.5),
    Interval(0.5, 0.75),
    Interval(1.0, 3.0, low_open=True),
    Integers(-3, 2),
    Integers(2, 4),
    point(2.0),
    point(-0.5),
]
DOMAINS = {
    "lgamma": POSITIVE,
    "log": POSITIVE,
    "log_probs": POSITIVE,
    "log1p": ABOVE,
    "sqrt": NONNEGATIVE,
    "logit": OPEN_UNIT_INTERVAL,
}


UNARY = [n for n in CASES if FUNCTIONS[n].arity == (1, 1) and n not in MATRIX_CASES]


@pytest.mark.parametrize(
    ("name", "support"),
    [(n, s) for n in UNARY for s in SUPPORTS if contains(DOMAINS.get(n, REAL), bounds(s))],
)
def test_results_lie_in_the_support_that_was_inferred(name: str, support):
    entry = FUNCTIONS[name]
    rng = np.random.default_rng(11)
    for size in (1, 2, 5):
        values = torch.tensor(draw(support, (400, size), rng))
        assert lies_in(entry.support((support,)), call(entry, (values, 1)).numpy())


@pytest.mark.parametrize("name", ["dot", "clip", "concat", "outer"])
def test_results_of_several_arguments_lie_in_the_support(name: str):
    entry = FUNCTIONS[name]
    rng = np.random.default_rng(13)
    count = len(CASES[name][1])
    for _ in range(300):
        chosen = tuple(SUPPORTS[i] for i in rng.integers(0, len(SUPPORTS), count))
        values = [(torch.tensor(draw(s, (60, 3), rng)), 1) for s in chosen]
        assert lies_in(entry.support(chosen), call(entry, *values).numpy()), chosen


SHARP = [
    ("exp", REAL, "positive numbers"),
    ("softplus", REAL, "positive numbers"),
    ("sigmoid", REAL, "numbers in (0, 1)"),
    ("tanh", REAL, "numbers in (-1, 1)"),
    ("erf", REAL, "numbers in (-1, 1)"),
    ("square", REAL, "numbers >= 0"),
    ("square", Integers(-3, 2), "integers 0 to 9"),
    ("abs", Interval(-2.0, 1.0), "numbers in [0, 2]"),
    ("abs", Interval(high=0.0, high_open=True), "positive numbers"),
    ("relu", REAL, "numbers >= 0"),
    ("relu", POSITIVE, "positive numbers"),
    ("sqrt", POSITIVE, "positive numbers"),
    ("sqrt", REAL, "numbers >= 0"),
    ("log", POSITIVE, "real numbers"),
    ("log_probs", POSITIVE, "real numbers"),
    ("log", OPEN_UNIT_INTERVAL, "numbers < 0"),
    ("log_probs", OPEN_UNIT_INTERVAL, "numbers < 0"),
    ("log", Interval(low=1.0), "numbers >= 0"),
    ("log_probs", Interval(low=1.0), "numbers >= 0"),
    ("log1p", POSITIVE, "positive numbers"),
    ("expm1", REAL, "numbers > -1"),
    ("logit", OPEN_UNIT_INTERVAL, "real numbers"),
    ("sin", REAL, "numbers in [-1, 1]"),
    ("softmax", REAL, "vectors that sum to one"),
    ("log_softmax", REAL, "numbers <= 0"),
    ("sum", POSITIVE, "positive numbers"),
    ("sum", SIMPLEX, "positive numbers"),
    ("sum", ONE_HOT, "integers >= 1"),
    ("sum", BOOLEAN, "counts 0, 1, 2, ..."),
    ("sum", Interval(-2.0, 1.0), "real numbers"),
    ("sum", Integers(-2, 0), "integers <= 0"),
    ("mean", BOOLEAN, "numbers in [0, 1]"),
    ("mean", POSITIVE, "positive numbers"),
    ("prod", UNIT_INTERVAL, "numbers in [0, 1]"),
    ("prod", POSITIVE, "positive numbers"),
    ("prod", Interval(0.5, 0.75), "numbers in (0, 0.75]"),
    ("prod", Interval(2.0, 3.0), "numbers >= 2"),
    ("prod", Interval(-1.0, 1.0), "numbers in [-1, 1]"),
    ("prod", Interval(-2.0, 1.0), "real numbers"),
    ("max", BOOLEAN, "0 or 1"),
    ("min", OPEN_UNIT_INTERVAL, "numbers in (0, 1)"),
    ("norm", REAL, "numbers >= 0"),
    ("norm", POSITIVE, "positive numbers"),
    ("logsumexp", REAL, "real numbers"),
    ("logsumexp", Interval(low=2.0), "numbers >= 2"),
    ("flatten", SIMPLEX, "numbers in [0, 1]"),
    ("stop", SIMPLEX, "vectors that sum to one"),
]


@pytest.mark.parametrize(("name", "support", "words"), SHARP)
def test_support_rules_are_sharp(name: str, support, words: str):
    assert describe(FUNCTIONS[name].support((support,))) == words


def test_supports_of_several_arguments_are_sharp():
    clip, concat = FUNCTIONS["clip"], FUNCTIONS["concat"]
    assert clip.support((REAL, point(0.1), point(0.9))) == Interval(0.1, 0.9)
    assert clip.support((REAL, point(0.1), REAL)) == REAL
    assert clip.support((POSITIVE, point(-1), REAL)) == REAL
    assert concat.support((BOOLEAN, Integers(3, 5))) == Integers(0, 5)
    assert concat.support((BOOLEAN, POSITIVE)) == NONNEGATIVE
    assert FUNCTIONS["dot"].support((POSITIVE, POSITIVE)) == POSITIVE
    assert FUNCTIONS["one_hot"].support((NATURAL, point(3))) == ONE_HOT


# incompatible shapes


@pytest.mark.parametrize(
    ("name", "shapes", "words"),
    [
        ("softmax", ((),), "is a number"),
        ("log_softmax", ((),), "is a number"),
        ("dot", ((3,), (4,)), "not [3] and [4]"),
        ("mse", ((3,), ()), "two events of one shape"),
        ("dot", ((2, 3), (2, 3)), "two vectors"),
        ("dot", ((), ()), "a number"),
        ("squared_distances", ((3,), (4, 2)), "not [3] and [4, 2]"),
        ("concat", ((2,), (2, 3)), "flatten it first"),
        ("average_pool", ((4,), (2,)), "not [4]"),
        ("average_pool", ((4, 5), (2,)), "do not fill 4 x 5"),
        ("clip", ((2,), (3,), ()), "[2] and [3]"),
        ("cholesky", ((2, 3),), "a square matrix, not [2, 3]"),
        ("diff", ((1,),), "has one entry"),
        ("transpose", ((2,),), "a matrix, not [2]"),
        ("diag", ((2, 2),), "not [2, 2]"),
        ("outer", ((2,), ()), "[2] and a number"),
        ("solve", ((2, 2), (3,)), "the right side [3]"),
        ("rbf", ((4, 2), (3, 3), ()), "not [4, 2] and [3, 3]"),
        ("rbf", ((4, 2), (3, 2), (3,)), "one for each of 2 coordinates"),
        ("periodic", ((4, 2), (3, 2), (), (3,)), "one for each of 2 coordinates"),
    ],
)
def test_shapes_that_do_not_fit(name: str, shapes, words: str):
    with pytest.raises(ShapeMismatch, match=words.replace("[", r"\[").replace("]", r"\]")):
        FUNCTIONS[name].shape(shapes)


# constants and declarations

VECTORS = ("append_zero", "dot", "drop_last", "first", "last", "log_softmax", "softmax")
VECTORS += ("squared_distances",)
VECTORS += (*MATRIX_CASES, *KERNEL_CASES, *CUMULATIVE_CASES)


@pytest.mark.parametrize("name", [n for n in CASES if n not in VECTORS])
def test_constants_are_what_the_oracle_says(name: str):
    oracle, wheres, _ = CASES[name]
    rng = np.random.default_rng(3)
    entry = FUNCTIONS[name]
    for _ in range(20):
        values = [float(draw(where, (1,), rng)[0]) for where in wheres]
        wanted = oracle(*(np.float64(v) for v in values))
        np.testing.assert_allclose(entry.constant(*values), wanted, rtol=1e-12, atol=1e-12)


def test_constants_that_are_no_finite_number():
    assert FUNCTIONS["log"].constant(0.0) is None
    assert FUNCTIONS["sqrt"].constant(-1.0) is None
    assert FUNCTIONS["exp"].constant(1e6) is None
    assert FUNCTIONS["logit"].constant(1.0) is None
    assert FUNCTIONS["softmax"].constant(1.0) is None
    assert FUNCTIONS["dot"].constant(1.0, 2.0) is None
    assert FUNCTIONS["one_hot"].constant(1, 3) == (0.0, 1.0, 0.0)
    assert FUNCTIONS["one_hot"].constant(3, 3) is None


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_is_complete(name: str):
    entry = FUNCTIONS[name]
    assert entry.name == name
    assert entry.summary
    assert entry.example.startswith(f"{name}(")
    low, high = entry.arity
    least = 0 if entry.scalar else 1
    assert high is None or least <= low <= high
    home = entry.target.rpartition(".")[0]
    if home in ("torch", "torch.Tensor"):
        return
    # A node may be named `first`, so the function of that name has a longer one in the code.
    assert entry.target in (f"{home}.{name}", f"{home}.{name}_entry")
    assert Path(*home.split(".")).with_suffix(".py").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_the_run_time_function_has_the_arguments_that_are_declared(name: str):
    entry = FUNCTIONS[name]
    if entry.target.startswith("torch."):
        assert not entry.event_dims
        return
    *home, own = entry.target.split(".")
    tree = ast.parse(Path(*home).with_suffix(".py").read_text(encoding="utf-8"))
    (function,) = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == own]
    low, high = entry.arity
    if high is None:
        assert function.args.vararg is not None
    else:
        assert len(function.args.args) == high
        assert len(function.args.args) - len(function.args.defaults) == low
    assert ("dims" in {a.arg for a in function.args.kwonlyargs}) == entry.event_dims


@pytest.mark.parametrize("name", [n for n in NAMES if FUNCTIONS[n].monotone])
def test_monotone_functions_rise(name: str):
    entry = FUNCTIONS[name]
    where = CASES[name][1][0]
    values = np.sort(draw(where, (200,), np.random.default_rng(5)))
    results = call(entry, (torch.tensor(values), 1)).numpy()
    assert (np.diff(results) >= 0).all()
    assert results[-1] > results[0]


def test_an_unknown_name():
    assert "sinh" not in FUNCTIONS
    with pytest.raises(KeyError):
        FUNCTIONS["sinh"]
    assert math.isfinite(FUNCTIONS["exp"].constant(1.0))
