"""Chains in lock step against targets in closed form, with wrong variants that are detected.

False-alarm rates: each chi-square test 1e-5; a mean within 5 standard errors 1 in 2 million.
"""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.func import grad_and_value, vmap

from specc.engine.samplers import lock_step
from specc.engine.samplers.lock_step import LockStep, Options, State, leapfrog_of
from specc.engine.samplers.pooled_moments import PooledMoments
from specc.engine.samplers.start import NoStart
from specc.engine.samplers.step_size import StepSize

LEVEL = 1e-5


class Density:
    """A log-density of one position, for many chains."""

    def __init__(self, log_density, size):
        self.size, self.like = size, torch.zeros((), dtype=torch.float64)
        self.batched = vmap(grad_and_value(log_density))

    def in_turn(self, positions):
        raise AssertionError("these densities are computed for all chains at once")


class Kept:
    """Draws in memory, in place of files."""

    def __init__(self):
        self.positions, self.statistics = [], []

    def record_all(self, number, positions, **statistics):
        self.positions.append(positions)
        self.statistics.append(statistics)


def skewed(position):
    """Two independent coordinates with the density of the log of a Gamma(2) number."""
    return (2 * position - position.exp()).sum()


def draws(count, seed):
    return np.log(np.random.default_rng(seed).gamma(2.0, size=(count, 2)))


HMC = Options(chains=4000, warmup=0, length=1.5, jitter=0.5)
MALA = Options(chains=4000, warmup=0)


def after_transitions(options, step, seed=0, count=3):
    """States after a few transitions with a fixed step size from exact draws of `skewed`."""
    density = Density(skewed, 2)
    chains = LockStep(density, options, seed)
    positions = torch.as_tensor(draws(options.chains, seed))
    gradients, values = density.batched(positions)
    chains.state, chains.iteration = State(positions, gradients, values), 1
    chains.step_size = StepSize.start(step)
    chains.scales = torch.tensor([1.0, 0.7], dtype=torch.float64)
    chains.advance(1 + count)
    return chains.state.positions.numpy()


def p_values(found):
    """The p-value of a chi-square test of each coordinate, and of their sum, in 20 bins."""
    reference = draws(400_000, 1)
    pairs = [(found[:, 0], reference[:, 0]), (found[:, 1], reference[:, 1])]
    pairs.append((found.sum(1), reference.sum(1)))
    values = []
    for own, exact in pairs:
        edges = np.quantile(exact, np.linspace(0, 1, 21)[1:-1])
        counts = np.bincount(np.searchsorted(edges, own), minlength=20)
        values.append(stats.chisquare(counts).pvalue)
    return values


@pytest.mark.parametrize("options", [HMC, MALA])
@pytest.mark.parametrize("step", [0.3, 1.2])
def test_transitions_leave_the_target_invariant(options, step):
    assert min(p_values(after_transitions(options, step))) > LEVEL / 3


@pytest.mark.parametrize("options", [HMC, MALA])
def test_a_proposal_that_is_always_accepted_is_detected(options, monkeypatch):
    monkeypatch.setattr(lock_step, "acceptance_of", lambda before, after: torch.ones_like(before))
    assert min(p_values(after_transitions(options, 1.2))) < LEVEL / 3


@pytest.mark.parametrize("options", [HMC, MALA])
def test_an_acceptance_without_the_momentum_is_detected(options, monkeypatch):
    monkeypatch.setattr(lock_step, "_energy", lambda values, momenta: -values)
    assert min(p_values(after_transitions(options, 1.2))) < LEVEL / 3


def test_a_map_that_does_not_preserve_volume_is_detected(monkeypatch):
    """A wrong Jacobian: the positions also shrink by a fifth, which the energies do not tell."""

    def shrinking(density):
        right = leapfrog_of(lambda positions: density(0.8 * positions))

        def step(*inputs):
            after, *rest = right(*inputs)
            return 0.8 * after, *rest

        return step

    monkeypatch.setattr(lock_step, "leapfrog_of", shrinking)
    assert min(p_values(after_transitions(MALA, 1.2))) < LEVEL / 3


def test_a_step_of_mala_is_a_leapfrog_step():
    """The acceptance by energies is that of Metropolis and Hastings with the normal proposal."""
    density, step = Density(skewed, 2), 0.7
    start = torch.as_tensor(draws(5, 3))
    slopes, values = density.batched(start)
    momenta = torch.randn(5, 2, dtype=torch.float64)
    scales, size = torch.ones(2, dtype=torch.float64), torch.tensor(step, dtype=torch.float64)
    inputs = (start, momenta, slopes, scales, size)
    after, ends, there, found = leapfrog_of(density.batched)(*inputs)
    assert torch.allclose(after, start + step**2 / 2 * slopes + step * momenta)
    energies = ((momenta**2).sum(-1) / 2 - values, (ends**2).sum(-1) / 2 - found)
    forward = torch.distributions.Normal(start + step**2 / 2 * slopes, step)
    backward = torch.distributions.Normal(after + step**2 / 2 * there, step)
    ratio = found - values + (backward.log_prob(start) - forward.log_prob(after)).sum(-1)
    assert torch.allclose(energies[0] - energies[1], ratio)


def covariance_of_ten():
    """A covariance with standard deviations from 0.01 to 100 and correlations of 0.4."""
    scales = np.logspace(-2, 2, 10)
    return np.outer(scales, scales) * (0.6 * np.eye(10) + 0.4)


@pytest.mark.parametrize("name", ["hmc", "mala"])
def test_ten_correlated_coordinates(name):
    """400 chains: the last draws are independent, so their moments have known errors.

    The sample covariance C of n draws of the covariance S gives n tr(S^-1 C) ~ chi-square(n d).
    """
    covariance = covariance_of_ten()
    precision = torch.as_tensor(np.linalg.inv(covariance))

    def normal(position):
        away = position - 3.0
        return -0.5 * away @ precision @ away

    length = {"hmc": 1.5, "mala": None}[name]
    warmup, more = {"hmc": (200, 40), "mala": (400, 400)}[name]
    target = {"hmc": 0.8, "mala": 0.574}[name]
    options = Options(400, warmup, more, target=target, length=length, jitter=0.5)
    chains, kept = LockStep(Density(normal, 10), options, 5), Kept()
    chains.record("off", 0)
    chains.start()
    chains.begin(kept)
    chains.advance(options.warmup + options.draws)
    accepted = np.mean([own["acceptance"] for own in kept.statistics[-40:]])
    assert accepted == pytest.approx(target, abs=0.1), "40 transitions adapt the step size alone"
    white = np.linalg.solve(np.linalg.cholesky(covariance), (kept.positions[-1] - 3.0).T)
    low, high = stats.chi2(white.size).ppf([1e-6, 1 - 1e-6])
    assert low < (white**2).sum() < high
    assert np.abs(white.mean(1) * 20).max() < 5
    pairs = (white @ white.T / 20)[np.triu_indices(10, 1)]
    assert np.abs(pairs).max() < 5.3


def test_chains_that_are_restored_continue_bit_for_bit():
    def kept(stops):
        found = Kept()
        chains = LockStep(Density(skewed, 2), Options(5, 30, 30, length=1.0, jitter=0.3), 1)
        chains.start()
        for stop in stops:
            chains.begin(found)
            chains.advance(stop)
            other = LockStep(Density(skewed, 2), chains.options, 1)
            other.restore(chains.tensors())
            chains = other
        return np.array(found.positions)

    whole = kept([60])
    assert whole.shape == (60, 5, 2)
    assert np.array_equal(kept([1, 17, 30, 45, 60]), whole)


def test_merged_groups_have_the_moments_of_all_draws():
    random = np.random.default_rng(0)
    groups = random.normal(size=(4, 2, 7, 3)) * [1.0, 5.0, 0.1] + 2.0
    moments = PooledMoments(3)
    for positions, gradients in groups:
        moments.add(positions, gradients)
    every = groups.transpose(1, 0, 2, 3).reshape(2, 28, 3)
    assert moments.mean == pytest.approx(every.mean(1))
    assert moments.sum / 27 == pytest.approx(every.var(1, ddof=1))


def test_no_start_names_the_chain():
    """A density that is 0 below 3 has no start at points between -2 and 2."""
    chains = LockStep(Density(lambda q: (q - 3.0).log().sum(), 1), Options(3), 0)
    with pytest.raises(NoStart) as failure:
        chains.start()
    assert failure.value.chain == 0


def test_a_start_is_found_in_a_part_of_the_points():
    """Each chain tries on until its own point has a positive density, and keeps that."""
    chains = LockStep(Density(lambda q: q.log().sum(), 2), Options(50), 0)
    chains.start()
    assert (chains.state.positions > 0).all()
    assert chains.state.values.isfinite().all()


def test_a_trajectory_to_where_the_density_is_no_number_is_rejected():
    density = Density(lambda q: q.log().sum() - q.sum(), 1)
    chains, kept = LockStep(density, Options(200, 0, 5, length=2.0), 0), Kept()
    chains.start()
    chains.step_size = StepSize.start(3.0)
    chains.iteration = 1
    chains.begin(kept)
    chains.advance(5)
    assert (np.array(kept.positions) > 0).all()
    assert np.array([own["divergent"] for own in kept.statistics]).any()
