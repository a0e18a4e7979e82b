"""Laws of every chain: its stationary distribution, detailed balance, and what breaks them.

A test compares at most 9 numbers with `FAR` standard errors, so it fails by chance with a
probability of at most 2e-6; the numbers are seeded.
"""

import importlib
import inspect

import pytest
import torch

from specc.catalog.registry import CHAINS
from specc.runtime.chains import hmc, mala, point
from specc.runtime.noise import Noise
from tests.oracles.chains import CASES, FAR, Mixture, imbalance, normal

ROWS = 20_000
EXACT = [name for name in CHAINS if CHAINS[name].exact]


def module(name):
    return importlib.import_module(f"specc.runtime.chains.{name}")


def noise(seed=0):
    return Noise.at(seed, 1, dtype=torch.float64)


def run(name, log_density, x, steps, **options):
    return module(name).run(
        noise(), log_density, x, steps=steps, **(options or CASES[name].options)
    )


def test_every_entry_has_an_oracle():
    assert set(CASES) == set(CHAINS)


@pytest.mark.parametrize("name", CHAINS)
def test_the_options_of_a_chain_are_its_arguments(name):
    parameters = inspect.signature(module(name).run).parameters.values()
    keywords = {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
    fields = CHAINS[name].Options.model_fields
    assert set(keywords) == {"steps", *fields}
    assert all(f.is_required() or f.default == keywords[key] for key, f in fields.items())


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_stays_in_its_stationary_distribution(name):
    """For a normal target every chain here has a known one, exact or not."""
    target = normal()
    stationary = target.with_variances(CASES[name].stationary)
    found = run(name, target.log_density, stationary.sample(ROWS, 2), 5)
    assert stationary.distance(found) < FAR


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_finds_its_stationary_distribution(name):
    target = normal()
    stationary = target.with_variances(CASES[name].stationary)
    start = torch.full((ROWS, 3), 3.0, dtype=torch.float64)
    assert stationary.distance(start) > 100
    found = run(name, target.log_density, start, 120)
    assert stationary.distance(found) < FAR


def test_a_chain_without_a_metropolis_step_is_biased_as_its_formula_says():
    """The distance of the target itself is large, so the two tests above can fail."""
    target = normal()
    stationary = target.with_variances(CASES["langevin"].stationary)
    found = run("langevin", target.log_density, stationary.sample(ROWS, 2), 5)
    assert target.distance(found) > 10 * FAR


def test_less_noise_samples_from_a_colder_distribution():
    """With s = 0.01 and noise 0.05 the target is p^4, up to the bias of the step size."""
    target = normal()
    colder = target.with_variances(lambda v: v / 4)
    options = {"step_size": 0.01, "noise_scale": 0.05}
    found = run("langevin", target.log_density, colder.sample(ROWS, 2), 50, **options)
    assert colder.distance(found) < FAR
    assert target.distance(found) > 10 * FAR


@pytest.mark.parametrize("name", EXACT)
def test_detailed_balance(name):
    target = Mixture()
    before = target.sample(100_000, 3)
    assert imbalance(before, run(name, target.log_density, before, 1)) < FAR


@pytest.mark.parametrize("name", EXACT)
def test_the_mixture_is_stationary(name):
    target = Mixture()
    x = run(name, target.log_density, target.sample(100_000, 3), 5)
    exact = target.sample(1_000_000, 4)
    for f in (lambda x: x, torch.square, torch.tanh):
        error = f(x).std() * (1 / len(x) + 1 / len(exact)) ** 0.5
        assert abs(f(x).mean() - f(exact).mean()) < FAR * error


def always(noise, before, proposed, log_ratio):
    return proposed, torch.ones_like(log_ratio)


def test_without_the_metropolis_step_balance_fails(monkeypatch):
    target = Mixture()
    before = target.sample(100_000, 3)
    for name, kernel in (("mala", mala), ("hmc", hmc)):
        monkeypatch.setattr(kernel, "metropolis", always)
        after = run(name, target.log_density, before, 1)
        assert imbalance(before, after) > 2 * FAR, name


def test_an_acceptance_without_the_densities_of_proposals_fails(monkeypatch):
    target = normal()
    monkeypatch.setattr(mala, "_log_proposal", lambda to, source, size: torch.zeros(()))
    found = run("mala", target.log_density, target.sample(ROWS, 2), 5)
    assert target.distance(found) > 2 * FAR


def test_an_acceptance_without_the_kinetic_energy_fails(monkeypatch):
    target = normal()
    monkeypatch.setattr(hmc, "sum_event", lambda value, density: torch.zeros_like(density))
    found = run("hmc", target.log_density, target.sample(ROWS, 2), 5)
    assert target.distance(found) > 2 * FAR


def test_a_leapfrog_path_returns_when_the_momentum_is_reversed():
    target = Mixture()
    start = point.at(target.log_density, target.sample(100, 5))
    options = {"step_size": 0.3, "leapfrog": 7}
    momentum = noise().normal(start.value.shape)
    end, last = hmc.leapfrog_steps(target.log_density, start, momentum, **options)
    back, first = hmc.leapfrog_steps(target.log_density, end, -last, **options)
    torch.testing.assert_close(back.value, start.value)
    torch.testing.assert_close(-first, momentum)


def test_one_leapfrog_step_is_a_step_of_mala():
    target = normal()
    start = target.sample(1000, 6)
    first = run("hmc", target.log_density, start, 4, step_size=0.7, leapfrog=1)
    second = run("mala", target.log_density, start, 4, step_size=0.49)
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize("name", EXACT)
def test_the_probability_of_acceptance_is_the_share_of_accepted_rows(name):
    target = normal()
    start = point.at(target.log_density, target.sample(ROWS, 2))
    after, probability = module(name).step(
        noise(), target.log_density, start, **CASES[name].options
    )
    moved = (after.value != start.value).any(-1).double()
    error = (probability * (1 - probability)).sum().sqrt() / ROWS
    assert 0.05 < moved.mean() < 0.98
    assert abs(moved.mean() - probability.mean()) < FAR * error


@pytest.mark.parametrize("name", CHAINS)
def test_rows_are_independent_chains(name):
    """Another row does not change the moves of a row, and events may have several axes."""
    target = normal()
    start = target.sample(4, 7)
    found = run(name, target.log_density, start, 3)
    other = start.clone()
    other[3] = 30.0
    torch.testing.assert_close(run(name, target.log_density, other, 3)[:3], found[:3])
    shaped = run(name, lambda x: target.log_density(x.flatten(-2)), start[..., None], 3)
    torch.testing.assert_close(shaped[..., 0], found)
    scalar = run(name, lambda x: -(x**2) / 2, start[:, 0], 3)
    torch.testing.assert_close(
        scalar, run(name, lambda x: -(x**2).sum(-1) / 2, start[:, :1], 3)[:, 0]
    )


@pytest.mark.parametrize("name", EXACT)
def test_a_proposal_that_is_no_number_is_rejected(name):
    """log p is undefined for x < 0: the exponential distribution on positive numbers."""
    start = torch.full((500, 1), 0.05, dtype=torch.float64)
    found = run(name, lambda x: (0 * x.log() - x).sum(-1), start, 20)
    assert torch.isfinite(found).all()
    assert (found > 0).all()


@pytest.mark.parametrize("name", CHAINS)
def test_no_gradient_of_parameters_passes_through_a_chain(name):
    width = torch.ones(3, dtype=torch.float64, requires_grad=True)
    start = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    with torch.inference_mode():
        inside = run(name, lambda x: -((x * width) ** 2).sum(-1), start, 2)
    found = run(name, lambda x: -((x * width) ** 2).sum(-1), start, 2)
    assert not found.requires_grad
    torch.testing.assert_close(found, inside.clone())
