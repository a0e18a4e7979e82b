"""Continuous flows against an adaptive solver of scipy, and the estimate of their trace."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import integrate

from specc.runtime.bijections.continuous import SMOOTH_ACTIVATIONS, ContinuousFlow
from specc.runtime.noise import Noise
from tests.laws.bijecting import jacobian_log_det, nested, shaken

SIZE, Z = 5, 4.5


def flow(steps=4, trace="rademacher", context=0, **options):
    options = {"hidden": [9, 7], "steps": steps, "trace": trace, "fine_steps": steps, **options}
    return shaken(nested("ffjord", (SIZE,), context, **options), by=0.5)


def solved(f, value, context, times):
    """The value and the integral of the trace of a Jacobian by autograd, by DOP853 to 1e-11."""
    field = f.field.at(context)

    def rate(t, state):
        z = torch.as_tensor(state[:-1])
        jacobian = torch.autograd.functional.jacobian(lambda z: field(t, z)[0], z)
        return np.append(field(t, z)[0].detach().numpy(), jacobian.diagonal().sum().item())

    start = np.append(value.numpy(), 0.0)
    found = integrate.solve_ivp(rate, times, start, method="DOP853", rtol=1e-11, atol=1e-12)
    return torch.as_tensor(found.y[:-1, -1]), found.y[-1, -1]


@pytest.mark.parametrize("way, times", [("forward", (0.0, 1.0)), ("inverse", (1.0, 0.0))])
def test_the_error_of_the_solver_is_of_order_four(way, times):
    value, context = torch.randn(SIZE).double(), torch.randn(2).double()
    expected, log_det = solved(flow(context=2), value, context, times)
    errors = []
    for steps in (4, 8, 16, 32):
        found, volume = getattr(flow(steps, context=2), way)(value, context)
        errors.append(max((found - expected).abs().max().item(), abs(volume.item() - log_det)))
    assert errors[-1] < 1e-6
    assert all(8 < before / after < 40 for before, after in pairwise(errors))


def test_the_log_determinant_approaches_that_of_the_map():
    """Of the steps themselves the integral of the trace is not quite the log-determinant."""
    value, errors = torch.randn(SIZE).double(), []
    for steps in (2, 8):
        f = flow(steps)
        exact = jacobian_log_det(lambda v, f=f: f(v)[0], value)
        errors.append((f(value)[1] - exact).abs().item())
    assert errors[1] < 1e-8 < errors[0]


@pytest.mark.parametrize("name", SMOOTH_ACTIVATIONS)
def test_activations_have_the_slopes_that_they_return(name):
    t = torch.linspace(-20, 20, 401, dtype=torch.float64, requires_grad=True)
    value, slope = SMOOTH_ACTIVATIONS[name](t)
    torch.testing.assert_close(slope, torch.autograd.grad(value.sum(), t)[0])


def zscores(f, n=4000):
    """|z| of the mean estimate of a log-determinant, and of its gradient along a direction."""
    value = torch.randn(SIZE, generator=torch.Generator().manual_seed(2)).double()
    direction = [torch.randn_like(p) for p in f.parameters()]

    def along(mean):
        grads = torch.autograd.grad(mean, list(f.parameters()), allow_unused=True)
        return sum((g * d).sum() for g, d in zip(grads, direction, strict=True) if g is not None)

    exact = f.inverse(value)[1]
    pairs = []
    for seed in range(20):
        noise = Noise.at(seed, 1, dtype=torch.float64)
        mean = f.inverse(value.expand(n // 20, SIZE), noise=noise)[1].mean()
        pairs.append(torch.stack([mean.detach(), along(mean)]))
    found, target = torch.stack(pairs), torch.stack([exact.detach(), along(exact)])
    return (found.mean(0) - target).abs() / (found.std(0) / len(pairs) ** 0.5)


@pytest.mark.parametrize("trace", ["normal", "rademacher"])
def test_the_estimated_trace_is_unbiased_and_so_is_its_gradient(trace):
    assert (zscores(flow(trace=trace)) < Z).all()


def test_a_probe_with_a_mean_is_found_out(monkeypatch):
    def probe(self, noise, like):
        return noise.uniform(like.shape) * 3**0.5  # of mean square 1, and of mean 0.87

    monkeypatch.setattr(ContinuousFlow, "_probe", probe)
    assert (zscores(flow()) > Z).all()


def test_one_probe_serves_the_whole_solution_and_exact_needs_none():
    drawn = []

    class Counted(Noise):
        def uniform(self, shape):
            drawn.append(tuple(shape))
            return super().uniform(shape)

    noise, value = Counted.at(0, 1, dtype=torch.float64), torch.randn(3, SIZE).double()
    flow().inverse(value, noise=noise)
    assert drawn == [(3, SIZE)]
    exact = flow(trace="exact")
    assert torch.equal(exact.inverse(value)[1], exact.inverse(value, noise=noise)[1])
    assert len(drawn) == 1


def test_metrics_and_draws_take_fine_steps_and_training_does_not():
    value, noise = torch.randn(SIZE).double(), Noise.at(0, 1, dtype=torch.float64)
    f, coarse, fine = (flow(2, "exact", fine_steps=n) for n in (32, 2, 32))
    assert torch.equal(f.inverse(value)[1], fine.inverse(value)[1])
    assert torch.equal(f.forward_value(value), fine.forward(value)[0])
    assert torch.equal(f.inverse(value, noise=noise)[1], coarse.inverse(value)[1])


@pytest.mark.slow
def test_a_solution_compiles_as_one_graph():
    f, value = (
        shaken(nested("ffjord", (2,), 0, hidden=[4], steps=1, fine_steps=1)),
        torch.randn(3, 2).double(),
    )
    compiled = torch.compile(f.inverse, backend="aot_eager", fullgraph=True, dynamic=False)
    found = []
    for call in (f.inverse, compiled):
        result, log_det = call(value)
        gradients = torch.autograd.grad(result.sum() + log_det.sum(), list(f.parameters()))
        found.append([result, log_det, *gradients])
    torch._dynamo.reset()
    for expected, got in zip(*found, strict=True):
        torch.testing.assert_close(got, expected)
