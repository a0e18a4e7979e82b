"""Annealing of values that a chain moves, against a grid of 1,000 x 1,000 points.

Both directions of an energy with and without latent units are within 3 standard errors of log Z:
four comparisons, which fail by chance with a probability of 1 %; the seeds are fixed. Transitions
along a wrong gradient, without rejection, or to another density fail the same comparison.
"""

import pytest
import torch

from specc.evaluate.energies import hamiltonian
from specc.evaluate.energies.log_z import Annealing, annealed_log_z
from specc.evaluate.energies.model import EnergyModel
from specc.evaluate.energies.path import Path, base_of, largest_block
from specc.runtime.chains import hmc
from specc.runtime.noise import Noise
from tests.oracles.energies import Surface

OPTIONS = Annealing(chains=250, temperatures=40, direction="both", sweeps=20)
FORWARD = Annealing(chains=250, temperatures=40)
DATA = torch.randn(500, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2


def annealed(module, options=OPTIONS):
    model = EnergyModel.of(module, module.declared)
    return annealed_log_z(model, base_of(model, {"x": DATA}), options)


def z_scores(found, exact):
    ways = [way for way in (found.forward, found.backward) if way is not None]
    return [(way.value - exact) / way.standard_error for way in ways]


@pytest.mark.parametrize("hidden", [0, 3])
def test_both_directions_agree_with_a_grid(hidden):
    module = Surface(hidden, seed=2)
    found, exact = annealed(module), module.log_z()
    assert all(abs(z) < 3 for z in z_scores(found, exact))
    assert not any(abs(z) < 3 for z in z_scores(found, exact + 0.5))
    assert found.forward.effective > 100
    assert "after 20 sweeps" in found.statement()


def unadjusted(noise, log_density, point, *, step_size, leapfrog):
    momentum = noise.normal(point.value.shape)
    end, _ = hmc.leapfrog_steps(log_density, point, momentum, step_size=1.5, leapfrog=1)
    return end, torch.ones(len(momentum))


def sign_error(noise, log_density, point, *, step_size, leapfrog):
    return RIGHT(noise, lambda u: -log_density(u), point, step_size=step_size, leapfrog=leapfrog)


def another_density(noise, log_density, point, *, step_size, leapfrog):
    def wide(u):
        return 0.5 * log_density(u)

    return RIGHT(noise, wide, point, step_size=step_size, leapfrog=leapfrog)


RIGHT = hmc.step


@pytest.mark.parametrize("wrong", [unadjusted, sign_error, another_density])
def test_wrong_transitions_fail_the_same_comparison(wrong, monkeypatch):
    module = Surface(0, seed=2)
    monkeypatch.setattr(hamiltonian.hmc, "step", wrong)
    (z,) = z_scores(annealed(module, FORWARD), module.log_z())
    assert abs(z) > 3


def test_a_unit_that_a_chain_moves_is_never_summed_out():
    module = Surface(0)
    model = EnergyModel.of(module, module.declared)
    assert largest_block(model) == ()
    assert largest_block(EnergyModel.of(Surface(1), Surface(1).declared)) == ("h",)


def test_the_step_size_approaches_the_wanted_acceptance():
    module = Surface(0, seed=2)
    model = EnergyModel.of(module, module.declared)
    with torch.no_grad():
        path = Path(model, base_of(model, {"x": DATA}), ())
        noise = Noise.at(1, dtype=torch.float64)
        state = path.start(noise, 100)
        for _ in range(60):
            state = path.move(state, 1.0, noise, adapts=True)
    step = path.transitions["x"]
    assert step.sizes[1.0] != hamiltonian.FIRST

    def log_density(u):
        return -module.energy(step.mean + step.deviation * u)

    point = hmc.at(log_density, (state.values["x"] - step.mean) / step.deviation)
    options = {"step_size": step.size, "leapfrog": hamiltonian.LEAPFROG}
    _, accepted = hmc.step(noise, log_density, point, **options)
    assert accepted.mean().item() == pytest.approx(hamiltonian.WANTED, abs=0.1)
