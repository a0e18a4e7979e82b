"""Trained posteriors and priors with flows, against exact evidences.

A bound without a log-determinant, or with its sign wrong, would differ from the evidence. Every run
is seeded and on one thread; random quantities must be within 4.5 standard errors, which a correct
program exceeds for one seed in 300,000 in one-sided tests.
"""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import logsumexp

from tests.truths.gallery import trained, trained_text
from tests.truths.measuring import Z, bound, error, rows, weights
from tests.truths.plane import Grid

LINEAR = """specc: 1
name: linear
constants: {loadings: %s}
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [2]}}}
model:
  z: {latent: normal, loc: 0, scale: 1, shape: [4]}
  x: {observed: normal, loc: "loadings @ z", scale: 0.3}
guide:
  h: {let: encoder(x), shape: [8]}
  z: {latent: normal, params: start(h)%s}
links:
  encoder: {mlp: [32], activation: tanh}
  start: linear
%sobjective: elbo
train: {optimizer: {adam: {lr: 0.005}}, batch_size: 256, steps: 1000, schedule: {cosine: {}}}
"""
LOADINGS = np.array([[1.0, 0.9, 0.0, 0.5], [0.0, 0.8, 1.0, 0.2]])
COVARIANCE = LOADINGS @ LOADINGS.T + 0.09 * np.eye(2)

FLOWS = {
    "plain": "",
    "iaf": "{iaf: {layers: 2, hidden: [32]}}",
    "planar": "{planar: {layers: 8}}",
    "nsf": "{nsf: {layers: 2, hidden: [16], bins: 4, bound: 5.0}}",
}


def gaps(kind, folder):
    """log N(x; 0, W W' + s^2 I) minus the ELBO and the importance-weighted bound, by row."""
    rng = np.random.default_rng(0)
    z, noise = rng.standard_normal((6000, 4)), rng.standard_normal((6000, 2))
    x = (z @ LOADINGS.T + 0.3 * noise).astype(np.float32)
    np.savez(folder / "d.npz", train_x=x[:5000], test_x=x[5000:])
    flow = FLOWS[kind]
    through, link = (", through: flow(h)", f"  flow: {flow}\n") if flow else ("", "")
    run = trained_text(LINEAR % (LOADINGS.tolist(), through, link), folder, data_dir=folder)
    exact = stats.multivariate_normal(np.zeros(2), COVARIANCE).logpdf(rows(run, "test", "x"))
    found = bound(run, 100, estimator="elbo"), bound(run, 1000)
    return tuple(own.values.double().numpy() - exact for own in found)


SLOWER = pytest.param("nsf", marks=pytest.mark.slow)


@pytest.mark.parametrize("kind", ["iaf", "planar", SLOWER])
def test_a_flow_finds_the_posterior_of_a_linear_model(kind, tmp_path):
    """The posterior is a narrow ridge; the gap of the ELBO is at most 0.05 nats."""
    elbo, iwae = gaps(kind, tmp_path)
    assert -0.05 < elbo.mean() < Z * error(elbo), (elbo.mean(), error(elbo))
    assert abs(iwae.mean()) < 0.005, (iwae.mean(), error(iwae))


def test_a_plain_guide_of_it_has_the_gap_that_it_must_have(tmp_path):
    """Without a flow min KL(q || p) = 0.5 (sum_i log P_ii - log |P|), P the precision."""
    precision = np.eye(4) + LOADINGS.T @ LOADINGS / 0.09
    least = 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])
    elbo, _ = gaps("plain", tmp_path)
    assert -least - 0.05 < elbo.mean() < -least + Z * error(elbo), (elbo.mean(), least)


GRID = Grid(6, 120)


def log_likelihoods(run, x):
    """log p(x | z) of rows and grid points, by numpy from the trained decoder."""
    learnt, h = weights(run), GRID.points().astype(np.float64)
    for layer in (0, 2):
        w, b = (learnt[f"model.decoder.{layer}.{name}"] for name in ("weight", "bias"))
        h = np.tanh(h @ w.T + b)
    logits = h @ learnt["model.decoder.4.weight"].T + learnt["model.decoder.4.bias"]
    return x @ logits.T - np.logaddexp(0, logits).sum(1)


def log_prior(run, x, log_likelihood):
    """log p(z) of the grid points: log p(x, z) of any row minus log p(x | z)."""
    z, model = torch.from_numpy(GRID.points()), run.loaded.program.model
    with torch.no_grad():
        joint = model.log_joint(z=z, x=torch.from_numpy(x).float().expand(len(z), -1))
    return joint.double().numpy() - log_likelihood


@pytest.mark.parametrize("name", ["iaf_vae", "planar_vae", "flow_prior"])
def test_the_bounds_of_a_plane_of_latents(name, tmp_path):
    """With two latents log p(x) is a sum over a grid; the prior with a flow sums to one.

    The bound of 2,000 particles is within 0.02 nats, and p(x) two nats above independent pixels.
    """
    settings = ("z_dim=2", "train.epochs=10", "data.fields.x.binarize=threshold")
    run = trained(name, tmp_path, settings)
    x, train = rows(run, "test", "x"), rows(run, "train", "x")
    likelihoods = log_likelihoods(run, x)
    prior = log_prior(run, x[0], likelihoods[0])
    assert abs(GRID.masses(prior).sum() - 1) < 1e-3
    exact = logsumexp(likelihoods + np.log(GRID.masses(prior).ravel()), 1)
    elbo = bound(run, 100, estimator="elbo").values.double().numpy() - exact
    iwae = bound(run, 2000).values.double().numpy() - exact
    assert elbo.mean() < Z * error(elbo), (elbo.mean(), error(elbo))
    assert abs(iwae.mean()) < 0.02, (iwae.mean(), error(iwae))
    ink = (train.sum(0) + 0.5) / (len(train) + 1)
    apart = (x * np.log(ink) + (1 - x) * np.log1p(-ink)).sum(1)
    assert (exact - apart).mean() > 1.5, (exact - apart).mean()
