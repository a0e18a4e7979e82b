"""The distance against closed forms, sizes that differ, and what equality itself gives."""

import math

import pytest
import torch
from scipy import stats

from specc.evaluate.compared import Compared, no_other_run
from specc.evaluate.metrics.sliced_wasserstein import compute, transport
from tests.oracles.metrics import normal
from tests.unit.evaluate.metrics.mixtures import eight


def distance(x, y, order, projections=500):
    compared = Compared("x", x, y, {}, 0, no_other_run)
    return compute(compared, order=order, projections=projections)["distance"]


@pytest.mark.parametrize("order", [1, 2])
def test_a_shift_of_normal_rows(order):
    """SW_2^2 = |shift|^2 / d; SW_1 = |shift| E|u_1|. Within 4.5 errors, once in 150,000 seeds."""
    x = normal(400, 4, 0)
    shift = torch.tensor([1.0, 2.0, 2.0, 4.0], dtype=torch.float64)
    size, length = 4, shift.norm().item()
    exact = {
        1: length * math.gamma(size / 2) / (math.sqrt(math.pi) * math.gamma((size + 1) / 2)),
        2: length / math.sqrt(size),
    }[order]
    found = distance(x, x + shift, order, 4_000)
    assert abs(found.value - exact) < 4.5 * found.standard_error
    assert abs(found.value - 1.05 * exact) > 4.5 * found.standard_error


@pytest.mark.parametrize("sizes", [(7, 7), (7, 5), (6, 3), (1, 4)])
def test_sets_of_any_sizes_against_scipy(sizes):
    x, y = (normal(size, 1, size).mT for size in sizes)
    exact = stats.wasserstein_distance(x[0].numpy(), y[0].numpy())
    assert transport(x, y, 1).item() == pytest.approx(exact, rel=1e-12)


def test_order_two_of_sets_of_other_sizes_by_repeated_rows():
    x, y = normal(4, 1, 1).mT, normal(6, 1, 2).mT
    both = transport(x.repeat_interleave(3, -1), y.repeat_interleave(2, -1), 2)
    assert transport(x, y, 2).item() == pytest.approx(both.item(), rel=1e-12)


def test_eight_normal_distributions_against_themselves():
    """Centres at radius 1, deviation 0.05: what two sets of 10,000 rows of the same have."""
    pairs = [(eight(10_000, seed), eight(10_000, seed + 100)) for seed in range(6)]
    found = [distance(x, y, 1, projections=100).value for x, y in pairs]
    assert 0.008 <= sum(found) / len(found) <= 0.020
    assert distance(pairs[0][0], eight(10_000, 7, modes=7), 1, projections=100).value > 0.05


def test_the_line_has_one_direction():
    x = normal(30, 1, 3)
    found = distance(x, x + 2.0, 2)
    assert found.value == pytest.approx(2.0) and found.standard_error is None
