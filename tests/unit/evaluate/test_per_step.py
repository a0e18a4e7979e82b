"""The figure of a step: the sum over rows over that of their steps."""

import pytest
import torch

from specc.cli.train import figure
from specc.evaluate.estimate import Estimate
from specc.evaluate.scoring import Request


def estimate(values, steps):
    return Estimate(
        request=Request("test", "exact"),
        of="log p(x)",
        estimator="exact",
        value=values.mean().item(),
        standard_error=0.0,
        rows=len(values),
        particles=0,
        effective=None,
        untrusted=None,
        seconds=0.0,
        values=values,
        steps=steps,
    )


def test_long_rows_count_for_more():
    values, steps = torch.tensor([-2.0, -30.0]).double(), torch.tensor([1.0, 10.0]).double()
    found = estimate(values, steps).summary()
    assert found["value_per_step"] == pytest.approx(-32 / 11)
    assert figure("test", found).endswith(
        f"; -2.909 +- {found['standard_error_per_step']:.3f} a step"
    )


def test_the_error_is_that_of_a_ratio():
    """Rows that all have the same value a step leave no error, however their lengths differ."""
    steps = torch.tensor([3.0, 8.0, 1.0]).double()
    assert estimate(-2 * steps, steps).summary()["standard_error_per_step"] == pytest.approx(0.0)
    torch.manual_seed(0)
    ratios, errors = [], []
    for _ in range(400):
        steps = torch.randint(1, 9, (200,)).double()
        found = estimate(-steps + torch.randn(200).double(), steps).summary()
        ratios.append(found["value_per_step"])
        errors.append(found["standard_error_per_step"])
    spread = torch.tensor(ratios).std().item()
    assert torch.tensor(errors).mean().item() == pytest.approx(spread, rel=0.15)


def test_rows_without_steps_have_no_such_figure():
    assert "value_per_step" not in estimate(torch.zeros(2), None).summary()
