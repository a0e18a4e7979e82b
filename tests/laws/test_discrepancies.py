"""Maximum mean discrepancies as losses: unbiased, with the closed forms of normal distributions.

Each mean is over 10,000 seeded batches of eight rows in float64, and must be within 4.5 standard
errors: a mean has a false alarm for one seed in 150,000.
"""

from __future__ import annotations

from importlib import import_module

import pytest
import torch

from specc.catalog.registry import FUNCTIONS, KERNELS
from specc.runtime.functions.discrepancies import rbf_mmd
from tests.laws.calling import target
from tests.oracles.metrics import EXPECTED, discrepancy

BATCHES, ROWS = 10_000, 8
Z = 4.5
SHIFT, DEVIATION = 0.7, 1.6


def normal(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def numbers(name):
    """The arguments of the function of a kernel, h = 1."""
    own = EXPECTED[name][1].values()
    flat = [n for value in own for n in (value if isinstance(value, tuple) else (value,))]
    return [1.0, *flat] if KERNELS[name].scaled else flat


def values(name, x, y, dims=0):
    return target(FUNCTIONS[f"{name}_mmd"])(x, y, *numbers(name), dims=dims)


def distance(found, wanted):
    """The distance of the mean of `found` from its expectation, in standard errors."""
    return abs((found.mean() - wanted) / (found.std() / len(found) ** 0.5)).item()


def with_the_diagonal(name, x, y):
    """The biased estimate, which includes the pair of each row with itself."""
    module = import_module(f"specc.runtime.kernels.{name}")
    options = EXPECTED[name][1]
    x, y = x.unsqueeze(-1), y.unsqueeze(-1)
    return sum(
        sign * module.gram(a, b, 1.0, **options).mean((-1, -2))
        for sign, a, b in ((1, x, x), (1, y, y), (-2, x, y))
    )


def test_every_kernel_has_its_functions():
    compared = {n for n in FUNCTIONS if FUNCTIONS[n].over_rows and not FUNCTIONS[n].remembers}
    kinds = ("mmd", "conditional_mmd")
    assert {f"{name}_{kind}" for name in KERNELS for kind in kinds} == compared


@pytest.mark.parametrize("name", KERNELS)
def test_the_mean_is_zero_under_equality_and_the_biased_one_is_not(name):
    x, y = normal(1, BATCHES, ROWS), normal(2, BATCHES, ROWS)
    assert distance(values(name, x, y).mean(-1), 0.0) < Z
    assert distance(with_the_diagonal(name, x, y), 0.0) > 10 * Z


@pytest.mark.parametrize("name", KERNELS)
def test_the_mean_is_the_closed_form_for_two_normal_distributions(name):
    x, y = normal(3, BATCHES, ROWS), SHIFT + DEVIATION * normal(4, BATCHES, ROWS)
    found, exact = values(name, x, y).mean(-1), discrepancy(name, SHIFT, DEVIATION)
    assert distance(found, exact) < Z
    assert distance(with_the_diagonal(name, x, y), exact) > Z
    assert distance(found, discrepancy(name, SHIFT + 0.2, DEVIATION)) > Z


def test_the_closed_form_in_the_plane():
    """h = 1, w = 1: E k = 1 / (1 + v) exp(-|m|^2 / (2 (1 + v))) for x - y ~ N(m, v I)."""
    mean = torch.tensor([0.5, -0.3], dtype=torch.float64)
    x, y = normal(5, BATCHES, ROWS, 2), mean + normal(6, BATCHES, ROWS, 2)
    exact = 2 / 3 * (1 - torch.exp(-mean.square().sum() / 6)).item()
    assert distance(rbf_mmd(x, y, 1.0, 1.0, dims=1).mean(-1), exact) < Z


@pytest.mark.parametrize("name", KERNELS)
def test_the_gradient_is_that_of_the_closed_form(name):
    """The gradient with respect to the shift, against a central difference of the closed form."""
    x, noise = normal(7, BATCHES, ROWS), normal(8, BATCHES, ROWS)
    shift = torch.full((BATCHES, 1), SHIFT, dtype=torch.float64, requires_grad=True)
    found = values(name, x, shift + DEVIATION * noise).mean(-1)
    (slopes,) = torch.autograd.grad(found.sum(), shift)
    step = 1e-4
    up, down = (discrepancy(name, SHIFT + s, DEVIATION) for s in (step, -step))
    assert distance(slopes[:, 0], (up - down) / (2 * step)) < Z
    assert distance(slopes[:, 0], 0.0) > Z


def test_pairs_may_depend_on_each_other():
    """Both halves of a pair share a label: the mean is that of independent pairs."""
    label = normal(9, BATCHES, ROWS, 1)
    x = torch.cat([label + normal(10, BATCHES, ROWS, 1), label], -1)
    y = torch.cat([label + normal(11, BATCHES, ROWS, 1), label], -1)
    assert distance(values("rbf", x, y, dims=1).mean(-1), 0.0) < Z
    # The estimate with the terms k(x_i, y_i) is unbiased only if x and y are independent.
    module = import_module("specc.runtime.kernels.rbf")
    cross = module.gram(x, y, 1.0, **EXPECTED["rbf"][1]).diagonal(dim1=-1, dim2=-2).mean(-1)
    assert distance(values("rbf", x, y, dims=1).mean(-1) - 2 / ROWS * cross, 0.0) > Z


@pytest.mark.parametrize("name", KERNELS)
def test_derivatives_are_those_of_finite_differences(name):
    x, y = normal(12, 4, 2).requires_grad_(), normal(13, 4, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: values(name, a, b, dims=1), (x, y))


@pytest.mark.parametrize("name", KERNELS)
def test_events_of_any_rank_integers_and_one_row(name):
    x, y = normal(14, 5, 2, 3), normal(15, 5, 2, 3)
    flat = values(name, x.flatten(1), y.flatten(1), dims=1)
    torch.testing.assert_close(values(name, x, y, dims=2), flat)
    whole = torch.tensor([0, 1, 1])
    torch.testing.assert_close(values(name, whole, whole + 1), values(name, whole * 1.0, whole + 1))
    assert values(name, x[:1], y[:1], dims=2).tolist() == [0.0]


@pytest.mark.parametrize("width", [1e200, 1e308])
def test_a_width_whose_square_overflows_makes_all_rows_alike(width):
    """The kernel is 1, so the estimate over pairs of different rows is 0."""
    x, y = (torch.randn(6, 2, generator=torch.Generator().manual_seed(s)) for s in (0, 1))
    assert rbf_mmd(x, y, 1.0, width, dims=1).abs().max() < 1e-5
    assert rbf_mmd(x, y, width, 1.0, dims=1).abs().max() < 1e-5
