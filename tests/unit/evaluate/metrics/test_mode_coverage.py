"""Modes of eight normal distributions, all of them and some."""

import math

import pytest
import torch

from specc.evaluate.compared import Compared, no_other_run
from specc.evaluate.metrics.mode_coverage import compute
from tests.unit.evaluate.metrics.mixtures import CENTRES, eight


def covered(samples, radius=0.15, least=20):
    compared = Compared("x", samples, samples, {}, 0, no_other_run)
    return compute(compared, centres=CENTRES, radius=radius, least=least)


@pytest.mark.parametrize("modes", [1, 3, 8])
def test_the_modes_that_are_there(modes):
    """P(|noise| <= 3 sd) on the plane is 1 - exp(-9/2); within 4.5 errors, once in 150,000."""
    found = covered(eight(4_000, 1, modes))
    assert found["modes"].value == modes / 8
    inside = 1.0 - math.exp(-4.5)
    error = math.sqrt(inside * (1 - inside) / 4_000)
    assert abs(found["near"].value - inside) < 4.5 * error
    assert found["near"].standard_error == pytest.approx(error, rel=0.2)


def test_a_mode_needs_its_number_of_samples():
    rows = torch.tensor(CENTRES, dtype=torch.float64)
    assert covered(rows.repeat(20, 1))["modes"].value == 1.0
    assert covered(rows.repeat(19, 1))["modes"].value == 0.0
    assert covered(torch.cat([rows.repeat(19, 1), rows[:2]]))["modes"].value == 0.25
