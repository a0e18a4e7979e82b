"""Trained models against the exact optimum: closed forms, EM, and probabilistic PCA.

Every run is seeded and on one thread, so results are reproducible; tolerances are in nats per row.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp

from tests.truths.gallery import trained
from tests.truths.measuring import bound, rows

DATA = os.environ.get("SPECC_DATA_DIR")


def test_a_linear_vae_is_probabilistic_pca(tmp_path):
    """Tipping and Bishop (1999), equation 7; the held-out bound is within 0.05 nats of it."""
    from sklearn.decomposition import PCA

    run = trained("linear_vae", tmp_path)
    exact = PCA(8).fit(rows(run, "train", "x")).score_samples(rows(run, "test", "x")).mean()
    found = bound(run, 1000)
    assert abs(found.value - exact) < 0.05, (found.value, exact)


def test_a_gaussian_mixture_is_where_em_stays(tmp_path):
    """From the trained parameters, EM gains less than 0.05 nats on the training rows."""
    run = trained("gaussian_mixture", tmp_path)
    x = rows(run, "train", "x")
    model = run.loaded.program.model
    parameters = (
        model.weights.detach().double().numpy(),
        model.center.detach().double().numpy(),
        0.1 + model.spread.detach().double().numpy(),
    )
    start = log_joint(x, *parameters)
    exact = bound(run, 1, part="train", estimator="exact")
    assert abs(logsumexp(start, 1).mean() - exact.value) < 1e-3
    for _ in range(200):
        parameters = em_step(x, log_joint(x, *parameters))
    gain = logsumexp(log_joint(x, *parameters), 1).mean() - logsumexp(start, 1).mean()
    assert -1e-6 <= gain < 0.05, gain


def log_joint(x, weights, center, scale):
    z = (x[:, None] - center) / scale
    density = -0.5 * z**2 - np.log(scale) - 0.5 * np.log(2 * np.pi)
    return np.log(weights) + density.sum(-1)


def em_step(x, joint):
    """One step of EM (Dempster et al. 1977) with scales of at least 0.1."""
    r = np.exp(joint - logsumexp(joint, 1, keepdims=True))
    mass = r.sum(0)[:, None]
    center = r.T @ x / mass
    variance = np.maximum(r.T @ x**2 / mass - center**2, 0.0)
    return r.mean(0), center, np.maximum(np.sqrt(variance), 0.1)


def test_naive_bayes_counts(tmp_path):
    """The maximum likelihood is the frequency of each class, and of ink in each pixel."""
    run = trained("naive_bayes", tmp_path)
    x, y = rows(run, "train", "x"), rows(run, "train", "y").astype(int)
    share = np.bincount(y, minlength=10) / len(y)
    ink = np.stack([x[y == k].mean(0) for k in range(10)])
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(x == 1, np.log(ink[y]), np.log1p(-ink[y]))
    exact = (np.log(share[y]) + terms.sum(1)).mean()
    found = bound(run, 1, part="train", estimator="exact").value
    assert exact - 0.1 < found <= exact + 1e-4, (found, exact)
    prior = run.loaded.program.model.prior.detach().double().numpy()
    np.testing.assert_allclose(prior, share, atol=5e-3)


@pytest.mark.skipif(DATA is None, reason="needs SPECC_DATA_DIR, a folder with ap/ap_counts.npz")
def test_a_unigram_counts_words(tmp_path):
    """The maximum likelihood is the frequency of each word in all training documents."""
    run = trained("unigram", tmp_path, data_dir=Path(DATA))
    words = rows(run, "train", "words")
    share = words.sum(0) / words.sum()
    with np.errstate(divide="ignore"):
        log_share = np.where(share > 0, np.log(share), 0.0)
    rates = run.loaded.program.model.rates.detach().double().numpy()
    per_word = (words @ (np.log(rates) - log_share)).sum() / words.sum()
    assert -0.01 < per_word <= 1e-6, per_word
