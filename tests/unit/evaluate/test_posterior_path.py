"""Annealing over latents against the exact density of a linear-Gaussian model.

Forward weights have the mean p(x), those of backward chains from posterior samples 1 / p(x). Each
comparison of 6 rows is within 4.5 standard errors: a false alarm with a probability of 4e-5.
"""

import math

import pytest
import torch

from specc.evaluate.posterior_path import (
    PosteriorPath,
    Reference,
    backward,
    forward,
    step_sizes,
    temperatures,
)
from specc.runtime.distributions import normal
from specc.runtime.noise import Noise

ROWS, SIZES, SEEN, SCALE, CHAINS, STEPS = 6, (2, 1), 4, 0.8, 300, 25


def generator(seed):
    return torch.Generator().manual_seed(seed)


W = 0.6 * torch.randn(SEEN, sum(SIZES), generator=generator(1), dtype=torch.float64)
Z = torch.randn(ROWS, sum(SIZES), generator=generator(2), dtype=torch.float64)
X = Z @ W.T + SCALE * torch.randn(ROWS, SEEN, generator=generator(3), dtype=torch.float64)


def named(z):
    return {"a": z[..., : SIZES[0]], "b": z[..., SIZES[0]]}


def joint(latents):
    z = torch.cat([latents["a"], latents["b"][..., None]], -1)
    prior = normal.log_prob(z, 0.0, 1.0).sum(-1)
    return prior + normal.log_prob(X, z @ W.T, SCALE).sum(-1)


def exact():
    covariance = W @ W.T + SCALE**2 * torch.eye(SEEN, dtype=torch.float64)
    zero = torch.zeros(SEEN, dtype=torch.float64)
    return torch.distributions.MultivariateNormal(zero, covariance).log_prob(X)


def path(log_joint=joint):
    draws = torch.randn(500, sum(SIZES), generator=generator(4), dtype=torch.float64)
    return PosteriorPath(log_joint, Reference.of(named(draws)), ROWS)


def noise(seed):
    return Noise.at(seed, dtype=torch.float64)


def both(made, count=STEPS):
    """The log-weights of both directions."""
    betas = temperatures(count)
    sizes = step_sizes(made, betas, noise(5))
    start = made.reference.flat(named(Z)).expand(CHAINS, -1, -1)
    ahead = forward(made, CHAINS, betas, sizes, noise(6))
    return ahead, backward(made, start, betas, sizes, noise(7))


def log_mean(log_weights):
    """The logarithm of the mean of weights, and its standard error: [rows] each."""
    value = log_weights.logsumexp(0) - math.log(len(log_weights))
    return value, (log_weights - value).exp().std(0) / len(log_weights) ** 0.5


@pytest.fixture(scope="module")
def weights():
    return both(path())


def test_forward_weights_have_the_mean_p(weights):
    value, error = log_mean(weights[0])
    assert (error < 0.15).all()
    assert ((value - exact()).abs() < 4.5 * error).all()


def test_the_directions_bracket_log_p(weights):
    ahead, back = weights
    # Jensen's inequality holds for single chains; the means of 300 are below and above.
    assert (ahead.mean(0) < exact()).all()
    assert (-back.mean(0)).mean() > exact().mean()
    gap = -log_mean(back)[0].mean() - log_mean(ahead)[0].mean()
    assert -0.05 < gap < 0.3


def test_a_step_that_is_always_accepted_fails_the_comparison(monkeypatch):
    def accepting(noise, before, proposed, log_ratio):
        return proposed, torch.ones_like(log_ratio)

    monkeypatch.setattr("specc.runtime.chains.hmc.metropolis", accepting)
    made, betas = path(), temperatures(STEPS)
    value, error = log_mean(forward(made, CHAINS, betas, [1.2] * (STEPS + 1), noise(6)))
    assert not ((value - exact()).abs() < 4.5 * error).all()


def test_an_omitted_volume_fails_it(monkeypatch):
    monkeypatch.setattr(PosteriorPath, "target", lambda self, v: joint(self.reference.latents(v)))
    made = path()
    scaled = Reference(made.reference.shapes, made.reference.mean, 2 * made.reference.deviation)
    value, error = log_mean(both(PosteriorPath(joint, scaled, ROWS))[0])
    assert not ((value - exact()).abs() < 4.5 * error).any()


def test_the_reference_standardizes_and_restores():
    reference = path().reference
    flat = reference.flat(named(Z))
    found = reference.latents(flat)
    torch.testing.assert_close(found["a"], Z[:, :2])
    torch.testing.assert_close(found["b"], Z[:, 2])


def test_temperatures():
    betas = temperatures(10)
    assert (betas[0], betas[-1]) == (0.0, 1.0) and betas == sorted(betas)
    assert betas[5] == pytest.approx(0.5) and betas[1] < 0.1
