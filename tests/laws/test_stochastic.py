"""Samplers by estimates of the gradient on normal targets, against the variances of their updates.

For a normal target the gradient is linear, so the stationary variance of the discrete update is
known. The chains are independent: a sample variance of n numbers has the relative standard error
sqrt(2 / n), and is accepted within 5 of them, a false alarm in 2 million.
"""

import math

import numpy as np
import pytest
import torch

from specc.engine.samplers.psgld import Preconditioned
from specc.engine.samplers.sghmc import Momentum
from specc.engine.samplers.sgld import Langevin
from specc.engine.samplers.sgnht import Thermostat
from specc.engine.samplers.stochastic import Estimate, Options, Stochastic
from specc.runtime.failure import RunFailure


class Normal:
    """The gradient of a normal density with a variance, with normal noise of its own."""

    def __init__(self, size, variance=1.0, noise=0.0):
        self.size, self.variance, self.noise = size, variance, noise
        self.like = torch.zeros((), dtype=torch.float64)

    def __call__(self, positions, noise):
        exact = -positions / self.variance
        wrong = math.sqrt(self.noise) * noise.normal(positions.shape) if self.noise else 0.0
        values = -0.5 * (positions**2).sum(-1) / self.variance
        return Estimate(exact + wrong, values, torch.full_like(exact, -1.0 / self.variance))


def variance_of(gradient, rule, step, updates, chains=20_000, seed=0):
    """The variance of all coordinates of all chains after some updates, and its error."""
    own = Stochastic(gradient, rule, Options(chains, step), seed)
    own.start()
    own.advance(updates)
    found = own.state["positions"]
    return float((found**2).mean()), 5 * math.sqrt(2 / found.numel())


def of_langevin(h, v, noise=0.0):
    """q' = (1 - h / 2v) q + sqrt(h) xi + h / 2 e, e of the variance `noise`."""
    return (h + h**2 * noise / 4) / (1 - (1 - h / (2 * v)) ** 2)


@pytest.mark.parametrize("h", [1.0, 0.5])
def test_sgld_has_the_variance_of_its_update(h):
    """Without noise of the gradient it is v / (1 - h / 4v) (Welling and Teh's update)."""
    assert of_langevin(h, 2.0) == pytest.approx(2.0 / (1 - h / 8.0))
    found, error = variance_of(Normal(1, 2.0), Langevin(), h, 60)
    assert found == pytest.approx(2.0 / (1 - h / 8.0), rel=error)


def test_the_noise_of_the_gradient_adds_to_the_variance_of_sgld():
    found, error = variance_of(Normal(1, 1.0, noise=3.0), Langevin(), 0.5, 60)
    assert found == pytest.approx(of_langevin(0.5, 1.0, 3.0), rel=error)
    assert found > of_langevin(0.5, 1.0) * (1 + error)


def of_momentum(h, s, a, noise=0.0):
    """The stationary var q of v' = (1 - a) v - h q / s + e, q' = q + v', by doubling the update."""
    move = np.array([[1 - h / s, 1 - a], [-h / s, 1 - a]])
    added = (2 * a * h + h**2 * noise) * np.ones((2, 2))
    covariance = np.zeros((2, 2))
    for _ in range(2000):
        covariance = move @ covariance @ move.T + added
    return covariance[0, 0]


@pytest.mark.parametrize("friction", [0.2, 0.7])
def test_sghmc_has_the_variance_of_its_update(friction):
    h, s = 0.3, 1.5
    closed = s / (1 - h / (2 * s * (2 - friction)))
    assert of_momentum(h, s, friction) == pytest.approx(closed)
    found, error = variance_of(Normal(1, s), Momentum(friction), h, 120)
    assert found == pytest.approx(closed, rel=error)


def test_the_noise_of_the_gradient_adds_to_the_variance_of_sghmc():
    found, error = variance_of(Normal(1, 1.0, noise=2.0), Momentum(0.3), 0.2, 120)
    assert found == pytest.approx(of_momentum(0.2, 1.0, 0.3, 2.0), rel=error)
    assert found > of_momentum(0.2, 1.0, 0.3) * (1 + error)


def of_thermostat(h, s, diffusion, noise=0.0):
    """s (1 - z h / 2), with z h the friction at which momenta have the variance 1."""
    middle, added = 2 - h**2 / (2 * s), 2 * diffusion * h + h**2 * noise
    friction = (middle - math.sqrt(middle**2 - 4 * added)) / 2
    return s * (1 - friction / 2)


@pytest.mark.parametrize("noise", [0.0, 4.0])
def test_sgnht_has_the_variance_of_its_update(noise):
    """With 400 coordinates the friction of a chain hardly varies."""
    gradient = Normal(400, 1.0, noise)
    found, error = variance_of(gradient, Thermostat(1.0), 0.2, 300, chains=50)
    assert found == pytest.approx(of_thermostat(0.2, 1.0, 1.0, noise), rel=error)


def test_the_thermostat_takes_up_the_noise_of_the_gradient():
    """The noise moves the variance of small steps less than that of `sghmc` at the same time."""
    h, noise = 0.02, 30.0
    assert of_thermostat(h, 1.0, 1.0, noise) == pytest.approx(1.0, abs=0.02)
    assert of_momentum(h**2, 1.0, h, noise) > 1.25
    gradient = Normal(400, 1.0, noise)
    found, error = variance_of(gradient, Thermostat(1.0), h, 1500, chains=50)
    assert found == pytest.approx(of_thermostat(h, 1.0, 1.0, noise), rel=error)


RULES = {
    "sgld": (Langevin(), (1.0, 0.5, 0.2), 200),
    "sghmc": (Momentum(0.5), (1.0, 0.5, 0.2), 200),
    "psgld": (Preconditioned(1, 0.0, 1.0), (1.0, 0.4, 0.1), 600),
}


@pytest.mark.parametrize("name", RULES)
def test_the_bias_falls_with_the_step_size(name):
    rule, steps, updates = RULES[name]
    found = [abs(variance_of(Normal(1), rule, step, updates)[0] - 1.0) for step in steps]
    assert found[0] > found[1] > found[2]


def without_correction():
    """The variance of the density (1 + |q|) exp(-q^2 / 2), proportional to p / G."""
    q = np.linspace(-12, 12, 100_001)
    density = (1 + np.abs(q)) * np.exp(-(q**2) / 2)
    return (q**2 * density).sum() / density.sum()


@pytest.mark.parametrize(("memory", "step", "updates"), [(0.0, 0.05, 500), (0.8, 0.02, 1200)])
def test_psgld_needs_its_correction(memory, step, updates):
    """With r = 1 and one row G = 1 / (1 + |q|) depends on the position in the limit of small steps.

    The steps are small, not 0: their bias is at most 6 %, and that of the missing term 44 %.
    """
    right = Preconditioned(1, memory, 1.0)
    found, _ = variance_of(Normal(1), right, step, updates, chains=10_000)
    assert found == pytest.approx(1.0, abs=0.12)
    wrong = Preconditioned(1, memory, 1.0, corrects=False)
    found, _ = variance_of(Normal(1), wrong, step, updates, chains=10_000)
    assert found == pytest.approx(without_correction(), abs=0.12)
    assert abs(found - 1.0) > 0.24


def test_step_sizes_decay():
    own = Options(1, 0.1, decay=0.5, delay=10.0)
    assert own.step(0) == 0.1
    assert own.step(30) == pytest.approx(0.1 / 2)


def test_thinned_transitions_are_several_updates():
    def positions(thinning, transitions):
        own = Options(3, 0.1, decay=0.3, thinning=thinning)
        chains = Stochastic(Normal(2), Langevin(), own, 0)
        chains.start()
        chains.advance(transitions)
        return chains.state["positions"]

    assert torch.equal(positions(5, 4), positions(1, 20))


@pytest.mark.parametrize("name", ["sgld", "sghmc", "psgld"])
def test_chains_that_are_restored_continue_bit_for_bit(name):
    rule = RULES[name][0]
    chains = Stochastic(Normal(2), rule, Options(4, 0.1), 0)
    chains.start()
    chains.advance(7)
    other = Stochastic(Normal(2), rule, Options(4, 0.1), 0)
    other.restore(chains.tensors())
    for own in (chains, other):
        own.advance(20)
    assert all(torch.equal(chains.state[key], other.state[key]) for key in chains.state)
    assert set(chains.state) == set(other.state)


def test_a_step_that_is_too_large_is_reported():
    chains = Stochastic(Normal(1, 0.01), Langevin(), Options(2, 1.0), 0)
    chains.start()
    with pytest.raises(RunFailure) as failure:
        chains.advance(1000)
    assert failure.value.code == "E0833"
    assert "chain 1 left the finite numbers" in str(failure.value)
