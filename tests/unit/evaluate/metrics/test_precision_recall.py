"""Precision and recall on sets made by hand."""

import pytest
import torch

from specc.evaluate.compared import Compared, no_other_run
from specc.evaluate.metrics.precision_recall import compute
from tests.oracles.metrics import normal
from tests.unit.evaluate.metrics.mixtures import eight


def both(data, samples, neighbours=3):
    found = compute(Compared("x", data, samples, {}, 0, no_other_run), neighbours=neighbours)
    return found["precision"].value, found["recall"].value


def test_the_same_rows():
    rows = normal(50, 2, 0)
    assert both(rows, rows) == (1.0, 1.0)


def test_far_away():
    rows = normal(50, 2, 0)
    assert both(rows, rows + 100.0) == (0.0, 0.0)


def test_half_of_the_modes_costs_recall_and_not_precision():
    precision, recall = both(eight(1_000, 1), eight(1_000, 2, modes=4))
    assert precision > 0.95 and recall == pytest.approx(0.5, abs=0.03)


def test_half_of_the_samples_elsewhere_costs_precision_and_not_recall():
    far = 50.0 + normal(500, 2, 3)
    precision, recall = both(eight(1_000, 1), torch.cat([eight(500, 2), far]))
    assert precision == pytest.approx(0.5, abs=0.03) and recall > 0.95


def test_equal_distances_of_binary_rows_count():
    """Every ball of the corners of a cube reaches to its neighbours, whose distance is 1."""
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 1.0]).double()] * 3) * 0.1
    assert both(corners[:4], corners[4:], neighbours=1) == (1.0, 1.0)


def test_fewer_rows_than_neighbours():
    assert both(torch.zeros(2, 1).double(), torch.ones(2, 1).double(), neighbours=5) == (0.0, 0.0)
