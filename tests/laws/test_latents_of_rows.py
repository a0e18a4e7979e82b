"""Latents of rows that a sampler draws: a hierarchical normal model against its exact posterior.

All of 400 chains start anew and end in one draw each, so the draws are independent. Means are
within 5 standard errors and the Mahalanobis distances of the covariance have their chi-square
level of 1e-6, a false alarm for fewer than one seed in 100,000.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from specc.engine.samplers.lock_step import LockStep, Options
from specc.engine.samplers.log_density import Coordinates, LogDensity
from specc.engine.storage.latents_of_rows import set_rows
from specc.runtime.noise import Noise
from tests.laws.compiling import program

TEXT = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: []}}}
model:
  mu: {latent: normal, loc: 0, scale: 2, global: true}
  z: {latent: normal, loc: mu, scale: 1.5}
  u: {latent: log_normal, loc: 0, scale: 0.5}
  x: {observed: normal, loc: z + log(u), scale: 0.8}
sampler: hmc
"""
"""Given x, (mu, z, log u) is normal."""

X = np.array([1.3, -0.4, 2.2, 0.1])
CHAINS = 400


def exact():
    """The mean and the covariance of (mu, z_1 ... z_4, v_1 ... v_4), v = log u."""
    rows = len(X)
    precision = np.zeros((1 + 2 * rows, 1 + 2 * rows))
    linear = np.zeros(1 + 2 * rows)
    precision[0, 0] = 1 / 2**2
    for i in range(rows):
        z, v = 1 + i, 1 + rows + i
        prior = np.zeros(len(linear))
        prior[0], prior[z] = -1, 1
        seen = np.zeros(len(linear))
        seen[z] = seen[v] = 1
        precision += np.outer(prior, prior) / 1.5**2 + np.outer(seen, seen) / 0.8**2
        precision[v, v] += 1 / 0.5**2
        linear += seen * X[i] / 0.8**2
    covariance = np.linalg.inv(precision)
    return covariance @ linear, covariance


def drawn(own):
    """A draw of each chain of a program: [chains, 9]."""
    set_rows(own, len(X))
    assert own.manifest.sampler.rows == ("z", "u")
    coordinates = Coordinates(own, own.manifest.sampler.latents)
    batch = {"x": torch.as_tensor(X)}
    scalars = {"data_size": float(len(X))}
    density = LogDensity(coordinates, batch, scalars, Noise.at(0, 1))
    options = Options(chains=CHAINS, warmup=50, draws=1, length=1.5, jitter=0.5)
    chains = LockStep(density, options, 3)
    chains.start()
    chains.advance(options.warmup + 10)
    return chains.state.positions.numpy()


def distances(own):
    """The largest |z| of the means, and the p-value of the Mahalanobis distances of the draws."""
    found, (mean, covariance) = drawn(own), exact()
    error = np.sqrt(np.diag(covariance) / CHAINS)
    away = found - mean
    squares = np.einsum("ci,ij,cj->c", away, np.linalg.inv(covariance), away).sum()
    p = stats.chi2(CHAINS * len(mean)).cdf(squares)
    return (np.abs(found.mean(0) - mean) / error).max(), p


@pytest.fixture(autouse=True)
def _double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def test_means_and_covariances_are_those_of_the_posterior(tmp_path):
    z, p = distances(program(TEXT, tmp_path))
    assert z < 5.0
    assert 5e-7 < p < 1 - 5e-7


WRONG = {
    "the prior of the latents": (
        "log_p = model.log_joint(",
        "log_p = model.log_likelihood(z=model.z, u=model.u, x=x) + 0 * model.log_joint(",
    ),
    "the log-determinants": ("(log_prior + log_det)", "log_prior"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_density_without_a_term_is_detected(what, tmp_path):
    z, p = distances(program(TEXT, tmp_path, WRONG[what]))
    assert z > 5.0 or not 5e-7 < p < 1 - 5e-7
