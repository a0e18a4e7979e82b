"""Probabilities that are 0 or 1: densities, and gradients that are numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import special, stats

from specc.engine.samplers.log_density import Coordinates, LogDensity
from specc.runtime.distributions import bernoulli, binomial
from specc.runtime.functions.elementwise import log_probs, logit
from specc.runtime.noise import Noise
from tests.laws.compiling import program

PROBS = torch.tensor([0.0, 1e-300, 0.3, 1.0 - 1e-12, 1.0], dtype=torch.float64)


@pytest.fixture(autouse=True)
def _double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def test_log_odds_and_logarithms_are_infinite_with_the_gradient_0():
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(logit(PROBS), special.logit(PROBS.numpy()), rtol=1e-14)
        np.testing.assert_allclose(log_probs(PROBS), np.log(PROBS.numpy()), rtol=1e-14)
    for function, ends in ((logit, [0, 4]), (log_probs, [0])):
        free = PROBS.clone().requires_grad_()
        (found,) = torch.autograd.grad(function(free).exp().clamp(max=9).sum(), free)
        assert found.isfinite().all() and found[ends].tolist() == [0.0] * len(ends)


@pytest.mark.parametrize("x", [0.0, 1.0, 4.0])
def test_a_certain_count_has_the_probability_1(x):
    value = torch.full_like(PROBS, x)
    with np.errstate(divide="ignore"):
        exact = stats.binom(4, PROBS.numpy()).logpmf(x)
        single = stats.bernoulli(PROBS.numpy()).logpmf(x)
    np.testing.assert_allclose(binomial.log_prob(value, 4.0, logit(PROBS)), exact, rtol=1e-10)
    if x <= 1:
        np.testing.assert_allclose(bernoulli.log_prob(value, logit(PROBS)), single, rtol=1e-10)
    drawn = binomial.sample(Noise.at(0, dtype=torch.float64), 4.0, logit(PROBS))
    assert (drawn[0], drawn[-1]) == (0.0, 4.0)


def test_entropies_and_divergences_of_certain_values():
    logits = logit(PROBS)
    found = bernoulli.entropy(logits)
    assert found[0] == found[-1] == 0 and found.isfinite().all()
    assert bernoulli.kl_bernoulli(logits, logits).abs().max() < 1e-12
    half = bernoulli.kl_bernoulli(logits, 0.0)
    np.testing.assert_allclose(half[[0, -1]], math.log(2))
    assert bernoulli.kl_bernoulli(torch.tensor(0.0), logits)[0] == math.inf


HEAD = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {y: {from: y, shape: [3]}}}
model:
  occupied: {latent: uniform, low: 0, high: 1, global: true}
  seen: {latent: uniform, low: 0, high: 1, global: true}
  z: {latent: bernoulli, probs: occupied}
"""
MODELS = {
    "visits": "  y: {observed: bernoulli, probs: z * seen, shape: [3]}\n",
    "a class": "  y: {observed: categorical, classes: 2, probs: '[1 - z * seen, z * seen]', "
    "shape: [3]}\n",
}
Y = torch.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)


def made(name, tmp_path, change=None):
    """The program, its log-density, and a position of probabilities."""
    own = program(f"{HEAD}{MODELS[name]}sampler: nuts\n", tmp_path, change, "model.py")
    coordinates = Coordinates(own, own.manifest.sampler.latents)
    y = Y if name == "visits" else Y.long()
    density = LogDensity(coordinates, {"y": y}, {"data_size": 3.0}, Noise.at(0, 1))
    return density, torch.tensor([[0.3, -0.8], [-1.0, 1.2]])


def exact(position):
    """The log-density at unconstrained numbers (MacKenzie et al. 2002, equation 1)."""
    occupied, seen = position.sigmoid()
    count = Y.sum(1)
    inside = occupied * seen**count * (1 - seen) ** (3 - count)
    rows = inside + torch.where(count == 0, 1 - occupied, 0.0)
    return rows.log().sum() + (position.sigmoid() * (-position).sigmoid()).log().sum()


@pytest.mark.parametrize("name", MODELS)
def test_sites_that_may_be_empty_have_their_density_and_gradient(name, tmp_path):
    density, positions = made(name, tmp_path)
    wanted = torch.stack([torch.autograd.functional.jacobian(exact, p) for p in positions])
    for computed in (density.in_turn, density.batched, density.library(2)):
        slopes, values = computed(positions)
        np.testing.assert_allclose(values, [exact(p) for p in positions], rtol=1e-10)
        np.testing.assert_allclose(slopes, wanted, rtol=1e-9)


def test_the_gradient_of_the_logit_of_torch_is_not_a_number(tmp_path):
    density, positions = made("visits", tmp_path, ("return logit(", "return torch.logit("))
    assert density.in_turn(positions)[0].isnan().any()
