"""The pictures of a posterior beside its prior, and beside replicates of the data."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from specc.evaluate.inference_data import arviz
from specc.report.posterior_checks import (
    FARTHEST,
    _against_prior,
    _around,
    draw_checks,
    draw_pairs,
    prior_axis,
)

RANDOM = np.random.default_rng(0)
POSTERIOR = RANDOM.normal(3.0, 0.3, 1000)


def panel(prior, posterior):
    """The axis with both, and the areas of their bars."""
    axis = Figure().add_subplot()
    _against_prior(axis, "w", prior, posterior)
    bars, line = axis.patches[:-1], axis.patches[-1]
    path = line.get_path().vertices
    area = abs(np.trapezoid(path[:, 1], path[:, 0]))
    return axis, sum(bar.get_width() * bar.get_height() for bar in bars), area


def test_an_exponential_prior_is_shown_from_its_end():
    prior = RANDOM.exponential(size=1000)
    axis, area, other = panel(prior, POSTERIOR)
    low, high = axis.get_xlim()
    assert low == prior.min() < 0.01 and 4.0 < high < prior.max()
    assert 0.985 < area <= 1.0 and other == pytest.approx(1.0, abs=0.02)
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["prior", "posterior"]


def test_a_wide_prior_is_cut_and_its_area_is_what_is_shown():
    """N(0, 100) within twice the range of the posterior at each side, 99 % of which is 1.55."""
    prior = RANDOM.normal(0.0, 100.0, 100_000)
    axis, area, _ = panel(prior, POSTERIOR)
    low, high = axis.get_xlim()
    width = np.diff(np.quantile(POSTERIOR, (0.005, 0.995))).item()
    assert high - low == pytest.approx((1 + 2 * FARTHEST) * width) and low < 2.2 < 3.8 < high
    expected = (high - low) / (100.0 * np.sqrt(2 * np.pi))
    assert area == pytest.approx(expected, rel=0.08)
    label = axis.get_legend().get_texts()[0].get_text()
    assert label == f"prior ({100 * np.mean((low <= prior) & (prior <= high)):.2g} % of it)"


@pytest.mark.parametrize("prior", [np.full(50, np.inf), np.full(50, 3.0), np.array([np.nan, 1.0])])
@pytest.mark.parametrize("posterior", [POSTERIOR, np.full(50, 3.0)])
def test_odd_values_have_an_axis(prior, posterior):
    low, high = prior_axis(prior, posterior)
    assert np.isfinite([low, high]).all() and low <= np.median(posterior) <= high
    panel(prior, posterior)


def test_a_caption_names_what_there_is(tmp_path):
    """Replicates by the prior alone, none at all, and pairs with and without divergences."""
    az, diverging = arviz(), np.zeros((2, 20), bool)
    groups = {
        "posterior": {"w": RANDOM.normal(size=(2, 20)), "v": RANDOM.normal(size=(2, 20))},
        "sample_stats": {"diverging": diverging},
    }
    assert draw_checks(tmp_path / "a.png", az.from_dict(**groups)) == ""
    assert not list(tmp_path.iterdir())
    assert draw_pairs(tmp_path / "b.png", az.from_dict(**groups)) == "Pairs of latents"
    diverging[0, 3] = True
    assert "divergent transitions in red" in draw_pairs(tmp_path / "b.png", az.from_dict(**groups))
    groups["prior"] = {"w": RANDOM.normal(size=(1, 50))}
    words = draw_checks(tmp_path / "a.png", az.from_dict(**groups))
    assert words == "The posterior of each latent (blue) beside its prior (grey)"
    groups["observed_data"] = {"y": np.arange(5.0)}
    groups["prior_predictive"] = {"y": RANDOM.normal(size=(1, 10, 5))}
    words = draw_checks(tmp_path / "a.png", az.from_dict(**groups))
    assert "replicates" in words and words.endswith("latents from the prior")
    groups["posterior_predictive"] = groups["prior_predictive"]
    words = draw_checks(tmp_path / "a.png", az.from_dict(**groups))
    assert words.endswith("latents from the prior or the posterior")


def test_replicates_out_of_range_leave_an_axis_around_the_data():
    """A solution that blows up may be 1e308, infinite or not a number."""
    truth = np.array([1.0, 3.0])
    for wild in (1e308, np.inf, np.nan):
        low, high = _around(truth, np.array([[-wild, wild], [-wild, wild], [0.5, 3.5]]))
        assert -4.0 < low < 1.0 < 3.0 < high < 8.0
