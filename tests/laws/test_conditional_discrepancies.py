"""Conditional mean discrepancies as losses: the traces of the paper, and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from specc.catalog.entry import ShapeMismatch
from specc.catalog.registry import FUNCTIONS, KERNELS
from specc.runtime.functions.conditional_discrepancies import rbf_conditional_mmd
from tests.laws.calling import target
from tests.laws.test_discrepancies import normal, numbers
from tests.oracles.metrics import EXPECTED

ROWS, REGULARIZATION, WIDTH = 12, 0.3, 0.7

# The kernel matrices of rows in numpy, h = 1, by the formulas of the catalog.
GRAMS = {
    "energy": lambda d2, x, y, exponent: (
        np.linalg.norm(x, axis=1)[:, None] ** exponent
        + np.linalg.norm(y, axis=1) ** exponent
        - d2 ** (exponent / 2)
    ),
    "linear": lambda d2, x, y: x @ y.T,
    "rational_quadratic": lambda d2, x, y, alphas: np.mean(
        [(1 + d2 / (2 * a)) ** -a for a in alphas], 0
    ),
    "rbf": lambda d2, x, y, widths: np.mean([np.exp(-d2 / (2 * w**2)) for w in widths], 0),
}


def gram(name, x, y, **options):
    squares = ((x[:, None] - y[None]) ** 2).sum(-1)
    return GRAMS[name](squares, x, y, **(options or EXPECTED[name][1]))


def of_the_paper(name, x, y, c, r=REGULARIZATION, b=WIDTH):
    """The three traces of Ren et al. (2016), section 3.1, each with its own conditions."""
    k = gram("rbf", c, c, widths=(b,))
    inverse = np.linalg.inv(k + r * np.eye(len(k)))

    def trace(left, right):
        return np.trace(k @ inverse @ gram(name, left, right) @ inverse)

    return trace(x, x) + trace(y, y) - 2 * trace(x, y)


def values(name, x, y, c, r=REGULARIZATION, b=WIDTH, dims=1):
    function = target(FUNCTIONS[f"{name}_conditional_mmd"])
    return function(x, y, c, r, b, *numbers(name), dims=dims)


def samples(seed):
    """Values x and y [n, 3], and conditions [n, 2]."""
    return normal(seed, ROWS, 3), 0.5 + normal(seed + 1, ROWS, 3), normal(seed + 2, ROWS, 2)


@pytest.mark.parametrize("name", KERNELS)
def test_the_mean_over_rows_is_that_of_the_traces(name):
    x, y, c = samples(1)
    found = values(name, x, y, c).mean().item()
    assert found == pytest.approx(of_the_paper(name, x.numpy(), y.numpy(), c.numpy()), rel=1e-9)
    for wrong in ({"r": 2 * REGULARIZATION}, {"b": 2 * WIDTH}):
        other = of_the_paper(name, x.numpy(), y.numpy(), c.numpy(), **wrong)
        assert found != pytest.approx(other, rel=1e-2)


@pytest.mark.parametrize("name", KERNELS)
def test_classes_are_compared_one_by_one(name):
    """sum over c of (n_c / (n_c + r))^2 MMD_c^2, MMD_c^2 with the pairs of a row with itself."""
    x, y, _ = samples(4)
    labels = torch.tensor([0] * 5 + [1] * 4 + [2] * 3).double()
    wanted = 0.0
    for label in range(3):
        own = (labels == label).numpy()
        a, b, n = x.numpy()[own], y.numpy()[own], own.sum()
        square = gram(name, a, a).mean() + gram(name, b, b).mean() - 2 * gram(name, a, b).mean()
        wanted += (n / (n + REGULARIZATION)) ** 2 * square
    found = values(name, x, y, labels[:, None], b=0.1).mean().item()
    assert found == pytest.approx(wanted, rel=1e-9)
    mixed = values(name, x, y, torch.zeros(ROWS, 1).double(), b=0.1).mean().item()
    assert mixed != pytest.approx(wanted, rel=1e-2)


@pytest.mark.parametrize("name", KERNELS)
def test_it_is_zero_for_equal_values_alone(name):
    """Rows in another order have the same distribution, and not given their conditions."""
    x, y, c = samples(7)
    torch.testing.assert_close(values(name, x, x, c), torch.zeros(ROWS).double())
    assert values(name, x, y, c).mean() > 0
    assert values(name, x, x.flip(0), c).mean() > 1e-3


@pytest.mark.parametrize("name", KERNELS)
def test_derivatives_are_those_of_finite_differences(name):
    leaves = [value[:4].requires_grad_() for value in samples(10)]
    assert torch.autograd.gradcheck(lambda x, y, c: values(name, x, y, c), leaves)


@pytest.mark.parametrize("name", KERNELS)
def test_events_of_any_rank_and_several_draws(name):
    x, y, c = normal(13, 2, 5, 2, 3), normal(14, 5, 2, 3), normal(15, 5, 2)
    found = values(name, x, y, c, dims=2)
    assert found.shape == (2, 5)
    for draw in range(2):
        flat = values(name, x[draw].flatten(1), y.flatten(1), c)
        torch.testing.assert_close(found[draw], flat)
    number = values(name, x[0, :, 0, :1], y[:, 0, :1], c, dims=0)
    torch.testing.assert_close(number, values(name, x[0, :, 0, :1], y[:, 0, :1], c))


def test_a_singular_matrix_gives_no_number():
    x, y, _ = samples(16)
    same = torch.zeros(ROWS, 1).double()
    assert all(map(math.isnan, rbf_conditional_mmd(x, y, same, -1.0, 1.0, 1.0, 1.0, dims=1)))
    assert rbf_conditional_mmd(x, y, same, 1.0, 1.0, 1.0, 1.0, dims=1).isfinite().all()


def test_single_precision():
    """The weights are computed in float64: nearly equal conditions make K almost singular."""
    x, y, _ = samples(19)
    c = torch.linspace(0, 1e-3, ROWS).double()[:, None]
    exact = values("rbf", x, y, c, r=1e-4)
    found = values("rbf", x.float(), y.float(), c.float(), r=1e-4)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), exact, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("shapes", "reason"),
    [
        (((3,), (2,), ()), "values of one shape, not [3] and [2]"),
        (((3,), (3,), (2, 2)), "not [2, 2]; flatten it first"),
    ],
)
def test_wrong_shapes(shapes, reason):
    with pytest.raises(ShapeMismatch) as error:
        FUNCTIONS["rbf_conditional_mmd"].shape((*shapes, (), (), (), ()))
    assert reason in str(error.value)
