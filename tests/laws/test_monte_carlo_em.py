"""Laws of latents that a chain draws inside an objective.

A chain that starts at exact draws from the posterior stays in it, so the mean gradient of the loss
is that of -log p(x), which is known here. Over the seeds a test has a false alarm for one in 1,500
(`estimating.Z`); a chain whose density lacks a term is detected by the same comparison.
"""

from __future__ import annotations

import math

import pytest
import torch

from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import Z, gradient

ROWS, CHUNKS = 2000, 30

HEAD = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: %s}}}
model:
"""

FACTORS = (
    HEAD % "[3]"
    + """  w: {parameter: real, shape: [2, 3]}
  sigma: {parameter: positive}
  z: {latent: normal, loc: 0.5, scale: 1, shape: [2]}
  x: {observed: normal, loc: z @ w, scale: sigma}
objective: mle
sampler: {CHAIN}
"""
)
"""Factor analysis: z | x and x are normal."""

RATES = (
    HEAD % "[]"
    + """  a: {parameter: positive}
  b: {parameter: positive}
  s: {latent: gamma, concentration: a, rate: b}
  x: {observed: exponential, rate: s}
objective: mle
sampler: {CHAIN}
"""
)
"""s | x is gamma(a + 1, b + x), and p(x) = a b^a / (b + x)^(a + 1)."""

SWITCHED = (
    HEAD % "[]"
    + """  m: {parameter: real, shape: [2]}
  w: {parameter: real}
  t: {parameter: positive}
  k: {latent: bernoulli, logits: 0}
  z: {latent: normal, loc: "m[0] * (1 - k) + m[1] * k", scale: 1}
  s: {latent: log_normal, loc: 0, scale: t}
  x: {observed: normal, loc: w * z + log(s), scale: 1}
objective: mle
sampler: {CHAIN}
"""
)
"""Two latents that the chain draws, one of them positive, and one that is summed out."""

CHAINS = (
    "{hmc: {step_size: 0.4, leapfrog: 3, steps: 2}}",
    "{mala: {step_size: 0.5, steps: 2}}",
)


def made(text, chain, folder, change=None):
    return program(text.replace("{CHAIN}", chain), folder, change)


def log_p_factors(own, x):
    w, sigma = own.model.w, own.model.sigma
    loc = 0.5 * w.sum(0)
    covariance = w.mT @ w + sigma**2 * torch.eye(3, dtype=torch.float64)
    return torch.distributions.MultivariateNormal(loc, covariance).log_prob(x)


def draw_factors(own, x, generator):
    w, sigma = own.model.w.detach(), own.model.sigma.detach()
    precision = torch.eye(2, dtype=torch.float64) + w @ w.mT / sigma**2
    mean = torch.linalg.solve(precision, w @ x / sigma**2 + 0.5)
    noise = torch.randn(ROWS, 2, dtype=torch.float64, generator=generator)
    return {"z": mean + noise @ torch.linalg.cholesky(precision.inverse()).mT}


def log_p_rates(own, x):
    a, b = own.model.a, own.model.b
    return a.log() + a * b.log() - (a + 1) * (b + x).log()


def draw_rates(own, x, generator):
    a, b = own.model.a.item(), own.model.b.item()
    shape = torch.full((ROWS,), a + 1.0, dtype=torch.float64)
    return {"log_s": (torch._standard_gamma(shape, generator) / (b + x)).log()}


def log_p_switched(own, x):
    m, w, t = own.model.m, own.model.w, own.model.t
    scale = (1.0 + w**2 + t**2).sqrt()
    each = torch.distributions.Normal(w * m, scale).log_prob(x)
    return each.logsumexp(0) - math.log(2.0)


def draw_switched(own, x, generator):
    """Draws of k, and then of (z, log s), which is normal given k and x."""
    m, w, t = (value.detach() for value in (own.model.m, own.model.w, own.model.t))
    scale = (1.0 + w**2 + t**2).sqrt()
    p = torch.distributions.Normal(w * m, scale).log_prob(x).softmax(0)
    k = (torch.rand(ROWS, generator=generator, dtype=torch.float64) < p[1]).long()
    direction = torch.stack([w, torch.ones_like(w)])
    before = torch.diag(torch.stack([torch.ones_like(t), t**2]))
    gain = before @ direction / scale**2
    covariance = before - torch.outer(gain, direction @ before)
    mean = torch.stack([m[k], torch.zeros(ROWS, dtype=torch.float64)], -1)
    mean = mean + (x - mean @ direction)[:, None] * gain
    noise = torch.randn(ROWS, 2, dtype=torch.float64, generator=generator)
    return {"latents": mean + noise @ torch.linalg.cholesky(covariance).mT}


CASES = {
    "factors": (FACTORS, log_p_factors, draw_factors, [0.7, -1.2, 0.4]),
    "rates": (RATES, log_p_rates, draw_rates, 0.8),
    "switched": (SWITCHED, log_p_switched, draw_switched, 1.1),
}

WRONG = {
    "factors": ("model.log_joint(z=z, x=x)", "model.log_joint(z=z, x=x) + (z**2).sum(-1) / 2"),
    "rates": ("+ exp_log_det(log_s, rank=0)", ""),
    "switched": ("+ exp_log_det(log_s, rank=0)", ""),
}
"""The log prior of the latents, and the log-determinants of their maps, left out of the chain."""


def farthest(own, log_p, draw, x):
    """The largest |z| of the mean gradient of the loss against that of -log p(x)."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(3)
    for value in own.parameters():
        start = 0.5 * torch.randn(value.shape, generator=generator, dtype=torch.float64)
        value.data.copy_(start)
    x = torch.tensor(x, dtype=torch.float64)
    exact = gradient(own, -log_p(own, x))
    found = []
    batch = {"x": x.expand(ROWS, *x.shape).clone()}
    for chunk in range(CHUNKS):
        state = draw(own, x, generator)
        noise = Noise.at(chunk, 1, dtype=torch.float64)
        result = own.loss("loss", state, batch, noise, {})
        (name,) = result.state
        assert not torch.equal(result.state[name], state[name])
        found.append(gradient(own, result.loss))
    stacked = torch.stack(found)
    error = (stacked.std(0) / CHUNKS**0.5).clamp(min=1e-12)
    return ((stacked.mean(0) - exact).abs() / error).max().item()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("chain", CHAINS, ids=("hmc", "mala"))
def test_the_mean_gradient_is_that_of_log_p(case, chain, tmp_path):
    text, *rest = CASES[case]
    assert farthest(made(text, chain, tmp_path), *rest) < Z


@pytest.mark.parametrize("case", CASES)
def test_a_density_without_a_term_is_detected(case, tmp_path):
    text, *rest = CASES[case]
    assert farthest(made(text, CHAINS[0], tmp_path, WRONG[case]), *rest) > Z
