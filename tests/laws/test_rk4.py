"""`rk4` against solutions of differential equations: closed forms, and those of SciPy."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from specc.diagnostics.source import Source
from specc.runtime.functions.rk4 import rk4
from specc.runtime.program import load
from tests.truths.gallery import compiled

SPEC = """\
specc: 1
name: predators
data: {source: npz, path: predators.npz, fields: {y: {from: y, shape: [6, 2]}}}
plates: {t: {scan: 6}}
model:
  a: {latent: half_normal, scale: 1, shape: [2], global: true}
  b: {latent: half_normal, scale: 1, shape: [2], global: true}
  start: {latent: log_normal, loc: 0, scale: 1, shape: [2], global: true}
  z:
    let: "rk4(z[t-1] * (a - b * concat(z[t-1][1], z[t-1][0])) * [1, -1], z[t-1], 0.5, 20)"
    initial: start
    plate: t
  y: {observed: normal, loc: z, scale: 0.1, plate: t}
sampler: {nuts: {chains: 4, warmup: 100, draws: 100}}
"""


def oscillator(v):
    return torch.stack((v[..., 1], -v[..., 0]), -1)


@pytest.mark.parametrize(("steps", "share"), [(4, 1.0), (8, 1 / 16), (16, 1 / 256)])
def test_the_error_is_of_order_four(steps, share):
    start = torch.tensor([1.0, 0.0], dtype=torch.float64)
    exact = torch.tensor([np.cos(2.0), -np.sin(2.0)], dtype=torch.float64)
    coarse = (rk4(oscillator, start, 2.0, 4, dims=1) - exact).norm()
    error = (rk4(oscillator, start, 2.0, steps, dims=1) - exact).norm()
    assert 0.7 * share < error / coarse < 1.4 * share


def test_each_row_has_a_duration():
    start = torch.ones(3, 2, dtype=torch.float64)
    times = torch.tensor([0.1, 1.0, 2.5], dtype=torch.float64)
    found = rk4(lambda v: -0.5 * v, start, times, 50, dims=1)
    torch.testing.assert_close(found, (-0.5 * times).exp()[:, None].expand(3, 2), rtol=1e-7, atol=0)
    alone = rk4(lambda v: -0.5 * v, start[:, 0], times, 50, dims=0)
    assert torch.equal(alone, found[:, 0])


def exact(a, b, start):
    """The states at times 0.5, 1, ..., 3."""

    def rate(_, z):
        return [z[0] * (a[0] - b[0] * z[1]), -z[1] * (a[1] - b[1] * z[0])]

    times = 0.5 * np.arange(1, 7)
    return solve_ivp(rate, (0, 3), start, t_eval=times, rtol=1e-11, atol=1e-12).y.T


def test_a_recurrence_in_a_spec(tmp_path):
    """Predators and prey (Lotka 1925), with the mean of the model at random latents."""
    program = load(compiled(Source("spec.yaml", SPEC), tmp_path)).double()
    model, random = program.model, np.random.default_rng(2)
    a, b, start = (np.exp(random.normal(size=2)) for _ in range(3))
    given = {n: torch.as_tensor(v) for n, v in {"a": a, "b": b, "start": start}.items()}
    found = model.conditional_mean(**given)["y"].squeeze(0).numpy()
    wanted = exact(a, b, start)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert not np.allclose(found, exact(a, b[::-1], start), rtol=1e-2)
