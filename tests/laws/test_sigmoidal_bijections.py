"""Mixtures of sigmoids against the distribution functions of scipy, and their roots."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import special, stats

from specc.runtime.bijections.sigmoidal import MixtureCdf, SigmoidMixture
from specc.runtime.solver_failures import on_solver_failure


def parameters(map, entries, spread=2.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return spread * torch.randn(map.size, entries, generator=generator, dtype=torch.float64)


def reference(map, given, x):
    """u by the distribution function of a mixture of logistics with means -b / a and scales 1/a."""
    log_w, a, b = (part.numpy() for part in map._of(given))
    weights, means, scales = np.exp(log_w), -b / a, 1 / a
    np.testing.assert_allclose(weights.sum(0), 1)
    below = (weights * stats.logistic.cdf(x, means, scales)).sum(0)
    above = (weights * stats.logistic.sf(x, means, scales)).sum(0)
    density = (weights * stats.logistic.pdf(x, means, scales)).sum(0)
    return np.log(below / above), np.log(density / (below * above))


@pytest.mark.parametrize("units", [1, 5])
def test_a_mixture_is_the_logit_of_its_distribution_function(units):
    map, x = SigmoidMixture(units), torch.linspace(-8, 8, 41).double()
    given = parameters(map, len(x))
    u, log_slope = map.inverse(x, given)
    expected, slope = reference(map, given, x.numpy())
    np.testing.assert_allclose(u, expected, rtol=1e-9)
    np.testing.assert_allclose(log_slope, slope, rtol=1e-9, atol=1e-9)


def test_flow_plus_plus_shifts_and_scales_the_logit():
    """Flow++, eq. 14: sigma^-1(MixLogCDF(x)) exp(a) + b, here with exp(-s) and -t exp(-s)."""
    map, x = MixtureCdf(3), torch.linspace(-3, 3, 13).double()
    given = parameters(map, len(x), spread=1.0)
    middle, slope = map.mixture.inverse(x, given[:9])
    s, t = 3 * torch.tanh(given[9] / 3), given[10]
    u, log_slope = map.inverse(x, given)
    torch.testing.assert_close(u, (middle - t) * (-s).exp())
    torch.testing.assert_close(log_slope, slope - s)


def test_the_map_of_no_parameters_is_almost_the_identity_with_different_units():
    map, x = SigmoidMixture(16), torch.linspace(-3, 3, 61).double()
    given = torch.zeros(map.size, len(x)).double().requires_grad_()
    u, _ = map.inverse(x, given)
    assert (u - x).abs().max() < 0.15
    (slopes,) = torch.autograd.grad(u[40], given)
    assert len(slopes[:16, 40].unique()) == 16


@pytest.mark.parametrize("dtype, within", [(torch.float64, 1e-9), (torch.float32, 1e-3)])
def test_roots_are_found_far_out_and_where_components_are_far_apart(dtype, within):
    map, u = SigmoidMixture(4), torch.tensor([-40.0, -5.0, 0.0, 1.0, 30.0], dtype=dtype)
    told = []
    for seed in range(5):
        given = parameters(map, len(u), spread=5.0, seed=seed).to(dtype)
        with on_solver_failure(lambda *found: told.append(found)):
            x, negative = map.forward(u, given)
        again, log_slope = map.inverse(x, given)
        torch.testing.assert_close(again, u, atol=within, rtol=within)
        torch.testing.assert_close(log_slope, -negative, atol=within, rtol=within)
    assert told == []


def test_tails_are_linear_and_finite():
    map, x = SigmoidMixture(3), torch.tensor([-1e4, 1e4]).float().requires_grad_()
    u, log_slope = map.inverse(x, parameters(map, 2).float())
    assert u.isfinite().all() and log_slope.isfinite().all()
    (grad,) = torch.autograd.grad(u.sum() + log_slope.sum(), x)
    assert grad.isfinite().all() and (grad > 0).all()
    assert special.expit(u[1].item()) == 1
