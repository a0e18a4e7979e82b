"""Annealed importance sampling in both directions against enumeration, within 4.5 standard errors.

Each of the 32 comparisons fails by chance with a probability of 7e-6, 2e-4 together, if the mean of
the weights is normal, for which the effective sample size is to be at least 0.9 of the chains.
A sign error in either conditional fails the same comparison, as does an omitted log-partition.
"""

import math

import pytest
import torch

from specc.evaluate.energies import annealing
from specc.evaluate.energies.enumeration import log_z
from specc.evaluate.energies.model import EnergyModel
from specc.evaluate.energies.path import Path, base_of, neutral_base
from specc.runtime.exponential_families import Bernoulli
from specc.runtime.noise import Noise
from tests.oracles.energies import (
    CountRbm,
    Deep,
    Deeper,
    GaussianRbm,
    OneHotRbm,
    Rbm,
    Softmax,
    Triangle,
    brute_free_energy,
    brute_log_z,
    every,
    flip,
)

MAKERS = {
    "1-1": lambda: Rbm(1, 1),
    "6-4": lambda: Rbm(6, 4, seed=1),
    "12-8": lambda: Rbm(12, 8, seed=2, scale=0.5),
    "one-hot": lambda: OneHotRbm(3, 4, 5, scale=0.7),
    "poisson": lambda: CountRbm(3, 3, scale=0.5),
    "multinomial": lambda: Softmax(4, 3, scale=0.5),
    "normal": lambda: GaussianRbm(5, 4, scale=0.5),
    "6-6-6": lambda: Deep(6, 6, 6, scale=0.7),
    "5-4-5-4": lambda: Deeper(5, 4, 5, 4, scale=0.7),
    "three blocks": lambda: Triangle(4, 3, 5, scale=0.7),
}
CASES = [(name, block) for name in MAKERS for block in range(3 if name == "three blocks" else 2)]
CHAINS = 1000


def path_of(module, block=0):
    model = EnergyModel.of(module, module.declared)
    return Path(model, neutral_base(model), module.declared.blocks[block])


def noise(seed):
    return Noise.at(seed, dtype=torch.float64)


@torch.no_grad()
def ahead(path, temperatures=100, chains=CHAINS, seed=1):
    betas = annealing.temperatures(temperatures)
    return annealing.forward(path, chains, betas, noise(seed))


def z_score(found, exact):
    return (found.value.item() - exact) / found.standard_error.item()


@pytest.mark.parametrize("name, block", CASES)
def test_both_directions_agree_with_enumeration(name, block):
    path = path_of(MAKERS[name](), block)
    exact = log_z(path.model)
    end = ahead(path)
    forward = annealing.log_mean(end.log_weights)
    assert abs(z_score(forward, exact)) < 4.5
    assert forward.effective > 0.9 * CHAINS
    with torch.no_grad():
        # Few sweeps suffice, since the ends of the forward pass are nearly samples of the energy.
        start = annealing.samples(path, end, 20, noise(2))
        betas = annealing.temperatures(100)
        back = annealing.backward(path, start, betas, noise(3))
    found = annealing.log_mean(back.log_weights)
    assert found.value.item() == pytest.approx(-exact, abs=0.05)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("unit", [0, 1])
def test_a_sign_error_fails_the_same_comparison(name, unit):
    module = MAKERS[name]()
    exact = log_z(EnergyModel.of(module, module.declared))
    flip(module, list(module.declared.units)[unit])
    assert abs(z_score(annealing.log_mean(ahead(path_of(module)).log_weights), exact)) > 4.5


@pytest.mark.parametrize("name", ["6-4", "6-6-6"])
def test_an_omitted_log_partition_fails_it(name, monkeypatch):
    path = path_of(MAKERS[name]())
    exact = log_z(path.model)
    monkeypatch.setattr(Bernoulli, "log_partition", lambda self, eta: 0 * eta[0].sum(1))
    assert abs(z_score(annealing.log_mean(ahead(path).log_weights), exact)) > 4.5


@pytest.mark.parametrize("make", [MAKERS["6-4"], lambda: Deep(3, 2, 4)])
def test_exact_samples_make_the_backward_direction_unbiased(make):
    """Few temperatures and exact starts: E[w] = 1 / Z. Starts from the base are wrong."""
    module = make()
    path = path_of(module)
    exact = brute_log_z(module)
    values = every(module)
    with torch.no_grad():
        chosen = noise(4).classes((-module.energy(**values)).softmax(0), 20_000)
        start = path.state({name: values[name][chosen] for name in path.names})
        betas = annealing.temperatures(10)
        found = annealing.log_mean(annealing.backward(path, start, betas, noise(5)).log_weights)
        assert abs(z_score(found, -exact)) < 4.5
        start = path.start(noise(6), 20_000)
        found = annealing.log_mean(annealing.backward(path, start, betas, noise(7)).log_weights)
        assert abs(z_score(found, -exact)) > 4.5


def test_the_directions_bracket_log_z():
    """Single chains with few temperatures: the mean of log w is below, that of -log w above."""
    module = Rbm(6, 4, seed=1)
    path, exact, values = path_of(module), brute_log_z(module), every(module)
    betas = annealing.temperatures(4)
    with torch.no_grad():
        low = ahead(path, 4, 5000).log_weights
        chosen = noise(8).classes((-module.energy(**values)).softmax(0), 5000)
        start = path.state({name: values[name][chosen] for name in path.names})
        high = -annealing.backward(path, start, betas, noise(9)).log_weights
    for found, sign in ((low, -1), (high, 1)):
        z = (found.mean() - exact) / (found.std() / 5000**0.5)
        assert sign * z.item() > 4.5


def test_more_temperatures_have_more_equal_weights():
    path = path_of(Rbm(6, 4, seed=1))
    sizes = [annealing.log_mean(ahead(path, n).log_weights).effective.item() for n in (2, 10, 100)]
    assert sizes == sorted(sizes) and sizes[-1] > 2 * sizes[0]


def test_a_base_with_the_rates_of_data_has_the_same_mean():
    module = Rbm(6, 4, seed=1)
    model = EnergyModel.of(module, module.declared)
    data = (torch.rand(50, 6, generator=torch.Generator().manual_seed(1)) < 0.3).double()
    for block in module.declared.blocks:
        path = Path(model, base_of(model, {"v": data}), block)
        found = annealing.log_mean(ahead(path).log_weights)
        assert abs(z_score(found, log_z(model))) < 4.5


def test_clamped_values_have_the_sum_over_the_others():
    module = Triangle(4, 3, 5, scale=0.7)
    model = EnergyModel.of(module, module.declared)
    v = torch.tensor([[1.0, 0, 1, 1], [0, 0, 0, 1]], dtype=torch.float64)
    path = Path(model, neutral_base(model), ("h",), {"v": v.repeat_interleave(CHAINS, 0)})
    found = annealing.log_mean(ahead(path, chains=2 * CHAINS).log_weights.reshape(2, CHAINS))
    z = (found.value + brute_free_energy(module, v)) / found.standard_error
    assert z.abs().max() < 4.5


def test_one_block_needs_no_chain():
    """Independent units: the sum over all is in closed form, and every weight is Z."""
    module = Rbm(5, 3, scale=0.0)
    with torch.no_grad():
        module.a += 1.5
    found = ahead(path_of(module), 3, 10).log_weights
    exact = 3 * math.log(2) + 5 * math.log1p(math.exp(1.5))
    assert log_z(EnergyModel.of(module, module.declared)) == pytest.approx(exact)
    assert found.logsumexp(0).item() - math.log(10) == pytest.approx(exact, abs=1.5)


def test_the_mean_of_weights_in_logarithms():
    logs = torch.tensor([[0.0, math.log(3)], [1000.0, 1000.0]], dtype=torch.float64)
    found = annealing.log_mean(logs)
    torch.testing.assert_close(found.value, torch.tensor([math.log(2), 1000.0]).double())
    # The weights 1 and 3: mean 2, deviation sqrt(2), so the relative error is 1/2.
    torch.testing.assert_close(found.standard_error, torch.tensor([0.5, 0.0]).double())
    torch.testing.assert_close(found.effective, torch.tensor([1.6, 2.0]).double())
    assert annealing.log_mean(logs[:, :1]).standard_error.isnan().all()


def test_the_standard_error_is_the_deviation_of_estimates():
    path = path_of(Rbm(6, 4, seed=1))
    found = [annealing.log_mean(ahead(path, 20, 200, seed).log_weights) for seed in range(40)]
    spread = torch.stack([own.value for own in found]).std().item()
    stated = torch.stack([own.standard_error for own in found]).mean().item()
    assert spread == pytest.approx(stated, rel=0.4)


def test_progress_is_reported():
    seen = []
    path = path_of(Rbm(3, 2))
    with torch.no_grad():
        state = path.start(noise(1), 4)
        annealing.anneal(path, state, annealing.temperatures(1000), noise(2), seen.append)
    assert seen[-1] == 1.0 and seen == sorted(seen) and len(seen) == annealing.REPORTS
    assert annealing.temperatures(4) == [0.0, 0.25, 0.5, 0.75, 1.0]
