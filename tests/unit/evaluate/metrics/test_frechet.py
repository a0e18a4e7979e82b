"""The distance against closed forms of its moments."""

import pytest
import torch

from specc.evaluate.metrics.frechet import distance
from tests.oracles.metrics import normal


def test_diagonal_covariances():
    """|m - n|^2 + sum (s - t)^2 of the deviations."""
    s, t = torch.tensor([1.0, 2.0, 0.0]).double(), torch.tensor([3.0, 0.5, 0.0]).double()
    m, n = torch.tensor([0.0, 1.0, 2.0]).double(), torch.tensor([1.0, 1.0, 0.0]).double()
    found = distance(m, (s**2).diag(), n, (t**2).diag())
    assert found == pytest.approx(5.0 + 4.0 + 2.25, rel=1e-12)


def test_the_same_moments():
    root = normal(4, 4, 1)
    mean, covariance = normal(1, 4, 2)[0], root @ root.mT
    assert distance(mean, covariance, mean, covariance) == pytest.approx(0.0, abs=1e-10)


def test_a_rotation_leaves_it():
    a, b, turn = normal(3, 3, 1), normal(3, 3, 2), torch.linalg.qr(normal(3, 3, 3)).Q
    m, n = normal(2, 3, 4)
    before = distance(m, a @ a.mT, n, b @ b.mT)
    turned = [turn @ c @ c.mT @ turn.mT for c in (a, b)]
    assert distance(turn @ m, turned[0], turn @ n, turned[1]) == pytest.approx(before, rel=1e-10)
