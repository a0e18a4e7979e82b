"""The mean-field bound of the sum over the latents of a row, against that sum."""

import pytest
import torch

from specc.evaluate.energies.mean_field import lower_bound
from specc.evaluate.energies.model import EnergyModel
from tests.oracles.energies import Deep, Deeper, Rbm, Triangle, binary, brute_free_energy, flip

MAKERS = [lambda s: Deep(6, 6, 6, scale=s), lambda s: Triangle(4, 3, 5, scale=s)]


def bound(module, v):
    with torch.no_grad():
        return lower_bound(EnergyModel.of(module, module.declared), {"v": v})


@pytest.mark.parametrize("make", [*MAKERS, lambda s: Deeper(5, 4, 5, 4, scale=s)])
def test_it_is_below_the_sum_and_close_for_weak_couplings(make):
    for scale, most in ((0.1, 0.02), (0.3, 0.2), (1.0, 3.0)):
        module = make(scale)
        v = binary(len(module.a))
        gap = -brute_free_energy(module, v) - bound(module, v)
        assert gap.min() > -1e-10
        assert 0 < gap.max() < most


@pytest.mark.parametrize("make", MAKERS)
def test_it_is_the_entropy_and_the_mean_energy_of_a_product(make):
    """E_q[-E - log q] by a sum over all states, with q from independent fixed-point updates."""
    module = make(1.0)
    v = binary(len(module.a))
    with torch.no_grad():
        g, h = (
            torch.zeros(len(v), len(module.b)).double(),
            torch.zeros(len(v), len(module.c)).double(),
        )
        for _ in range(1000):
            g = module.g_given(v, h).sigmoid()
            h = (
                module.h_given(v, g) if isinstance(module, Triangle) else module.h_given_g(g)
            ).sigmoid()
        states = binary(g.shape[1] + h.shape[1])
        q = torch.cat([g, h], 1).clamp(1e-12, 1 - 1e-12)
        log_q = states @ (q.logit()).T + torch.log1p(-q).sum(1)
        one, two = states[:, : g.shape[1]], states[:, g.shape[1] :]
        energy = torch.stack([module.energy(row.expand(len(states), -1), one, two) for row in v], 1)
        expected = (log_q.exp() * (-energy - log_q)).sum(0)
    torch.testing.assert_close(bound(module, v), expected, rtol=0, atol=1e-5)


def test_independent_latents_have_no_gap():
    module = Rbm(5, 4)
    v = binary(5)
    torch.testing.assert_close(bound(module, v), -brute_free_energy(module, v))


@pytest.mark.parametrize("name", ["g", "h"])
def test_a_sign_error_breaks_it(name):
    module = Deep(6, 6, 6)
    right, v = bound(module, binary(6)), binary(6)
    flip(module, name)
    assert (bound(module, v) - right).abs().max() > 0.1
