"""Trained models in which a row reads a sequence or a set of points."""

import math

import numpy as np

from tests.truths.gallery import trained
from tests.truths.measuring import bound, log_prob, rows, scored


def test_deep_sets_classify_a_cloud_whatever_the_order_of_its_points(tmp_path):
    """log p(y given x) is above that of equal classes by 0.15; the order changes nothing."""
    run = trained("deep_sets", tmp_path, ("train.epochs=1", "train.optimizer.adam.lr=0.003"))
    assert bound(run, 1, estimator="exact").value > 0.15 - math.log(3)
    x, y = rows(run, "test", "x")[:50], rows(run, "test", "y")[:50]
    found = log_prob(run, x=x, y=y)
    turned = log_prob(run, x=x[:, np.random.default_rng(0).permutation(24)], y=y)
    np.testing.assert_allclose(turned, found, rtol=0, atol=1e-5)
    moved = x.copy()
    moved[:, 0] += 1.0
    assert np.abs(log_prob(run, x=moved, y=y) - found).max() > 1e-2


def test_one_latent_of_a_sequence_beats_pixels_by_themselves(tmp_path):
    """The bound after some epochs is above the log-likelihood of independent pixels."""
    run = trained("sequence_vae", tmp_path, ("train.epochs=10",))
    x = scored(run, "train")["x"]
    mean = (x.sum(0) + 1) / (len(x) + 2)
    seen = scored(run, "test")["x"]
    alone = (seen * np.log(mean) + (1 - seen) * np.log1p(-mean)).sum((1, 2)).mean()
    found = bound(run, 50)
    assert found.value > alone + 0.5, (found.value, alone)
