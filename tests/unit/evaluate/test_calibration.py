"""The calibration error against a table worked by hand, and on programs known to be calibrated."""

import math

import pytest
import torch

from specc.evaluate.calibration import Bin, binned, calibration_error

CONFIDENCE = torch.tensor([0.40, 0.50, 0.55, 0.95, 0.99], dtype=torch.float64)
RIGHT = torch.tensor([True, False, True, True, False])


def test_a_table_worked_by_hand():
    """0.50 ends the first of two bins: (0, 0.5] has a = 1/2, c = 0.45; the other a = 2/3, c = 0.83.

    2/5 |0.50 - 0.45| + 3/5 |0.6667 - 0.83| = 0.02 + 0.098
    """
    first, second = bins = binned(CONFIDENCE, RIGHT, 2)
    assert (first.rows, second.rows) == (2, 3)
    assert (first.accuracy, second.accuracy) == pytest.approx((1 / 2, 2 / 3))
    assert (first.confidence, second.confidence) == pytest.approx((0.45, 0.83))
    assert calibration_error(bins) == pytest.approx(0.118)


def test_fifteen_bins_of_equal_width():
    bins = binned(CONFIDENCE, RIGHT)
    assert [own.rows for own in bins] == [0, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 2]
    terms = (abs(1 - 0.40), abs(0 - 0.50), abs(1 - 0.55), 2 * abs(0.5 - 0.97))
    assert calibration_error(bins) == pytest.approx(sum(terms) / 5)
    assert math.isnan(bins[0].accuracy)


def test_edges_belong_below():
    ends = torch.arange(1, 16, dtype=torch.float64) / 15
    assert [own.rows for own in binned(ends, ends > 0)] == [1] * 15
    assert binned(torch.tensor([0.0, 1.0]), torch.tensor([False, True]))[14].rows == 1


def test_sure_and_right_and_sure_and_wrong():
    assert calibration_error(binned(torch.ones(4), torch.ones(4) > 0)) == 0.0
    assert calibration_error(binned(torch.ones(4), torch.ones(4) < 0)) == 1.0
    assert calibration_error([Bin(0, math.nan, math.nan), Bin(3, 0.5, 0.25)]) == 0.25


def test_draws_from_the_probabilities_themselves():
    """Calibrated by construction; the same logits doubled claim too much, halved too little."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(40000, 4, generator=generator, dtype=torch.float64)
    truth = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
    errors = {}
    for factor in (0.5, 1.0, 2.0):
        confidence, chosen = (factor * logits).softmax(-1).max(-1)
        errors[factor] = calibration_error(binned(confidence, chosen == truth))
    # 15 bins of standard errors of about 0.5 / sqrt(40000 / 15) each
    assert errors[1.0] < 0.012
    assert min(errors[0.5], errors[2.0]) > 0.1
