"""Increasing vectors of independent draws: densities, draws, gradients, posteriors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from specc.catalog.registry import DISTRIBUTIONS
from specc.compiler import front
from specc.diagnostics.source import Source
from specc.runtime.distributions import exponential, improper_uniform, normal, uniform
from specc.runtime.modifiers.ordered import Ordered
from specc.runtime.noise import Noise
from tests.laws.compiling import program

DRAWS = 20_000
X = torch.tensor([[-1.0, 0.2, 0.5], [0.1, 0.3, 2.0], [0.3, 0.1, 2.0]], dtype=torch.float64)


@pytest.fixture(autouse=True)
def _double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize(
    ("base", "parameters", "frozen"),
    [
        (normal, (0.3, 1.2), stats.norm(0.3, 1.2)),
        (exponential, (1.5,), stats.expon(scale=1 / 1.5)),
        (uniform, (0.0, 1.5), stats.uniform(0, 1.5)),
    ],
)
def test_the_density_is_that_of_independent_draws_in_any_order(base, parameters, frozen):
    """With n! of them, of which one is increasing."""
    found = Ordered(base).log_prob(X, *parameters)
    with np.errstate(divide="ignore"):
        exact = frozen.logpdf(X.numpy()).sum(-1) + math.log(6)
    exact[2] = -np.inf
    np.testing.assert_allclose(found.numpy(), exact, rtol=1e-12)


def test_it_integrates_to_one():
    side = torch.linspace(-8, 8, 1601)
    grid = torch.cartesian_prod(side, side)
    law = Ordered(normal)
    off = grid[:, 0] != grid[:, 1]  # of the diagonal one half counts
    weight = torch.where(off, 1.0, 0.5) * (side[1] - side[0]) ** 2
    assert (weight * law.log_prob(grid, 0.3, 1.2).exp()).sum() == pytest.approx(1, abs=1e-6)


def test_parameters_have_one_value_for_each_vector():
    loc = torch.tensor([0.0, 1.0, 2.0])
    found = Ordered(normal).log_prob(X, loc, 1.0)
    each = [Ordered(normal).log_prob(x, float(m), 1.0) for x, m in zip(X, loc, strict=True)]
    torch.testing.assert_close(found, torch.stack(each))
    assert Ordered(normal).sample(Noise.at(0), loc, 1.0, shape=(5, 3, 2)).shape == (5, 3, 2)


def test_draws_are_order_statistics():
    """Kolmogorov-Smirnov for each of three of uniform numbers, which are beta; level 1e-6."""
    law, noise = Ordered(uniform), Noise.at(3, dtype=torch.float64)
    drawn = law.sample(noise, 0.0, 1.0, shape=(DRAWS, 3)).numpy()
    for k in range(3):
        assert stats.kstest(drawn[:, k], stats.beta(k + 1, 3 - k).cdf).pvalue > 1e-6
    assert stats.kstest(drawn[:, 1], stats.uniform.cdf).pvalue < 1e-6


def test_gradients_of_draws_are_those_of_expectations():
    """The largest of two standard normal numbers has the mean 1 / sqrt(pi); 5 standard errors."""
    loc, scale = (torch.full((DRAWS,), v, requires_grad=True) for v in (0.5, 2.0))
    drawn = Ordered(normal).rsample(Noise.at(4, dtype=torch.float64), loc, scale, shape=(DRAWS, 2))
    by_loc, by_scale = torch.autograd.grad(drawn[:, 1].sum(), [loc, scale])
    for found, exact in ((by_loc, 1.0), (by_scale, math.pi**-0.5)):
        assert abs(found.mean() - exact) <= 5 * found.std() / DRAWS**0.5 + 1e-12
    free = tuple(torch.tensor(v, requires_grad=True) for v in (0.3, 1.2))
    assert torch.autograd.gradcheck(lambda *p: Ordered(normal).log_prob(X[:2], *p), free)


HEAD = """specc: 1
name: made
data: {source: npz, path: d.npz, fields: {y: {from: y, shape: []}}}
model:
"""
MODELS = {
    "ordered(normal), loc: 0, scale: 2": lambda m: stats.norm(0, 2).logpdf(m).sum(),
    "ordered(exponential), rate: 2": lambda m: stats.expon(scale=0.5).logpdf(m).sum(),
    "ordered(uniform), low: 0, high: 1": lambda m: 0.0,
    "ordered(beta), concentration1: 2, concentration0: 3": lambda m: (
        stats.beta(2, 3).logpdf(m).sum()
    ),
    "ordered(improper_uniform)": lambda m: 0.0,
    "ordered(improper_uniform), low: 1": lambda m: 0.0,
}


@pytest.mark.parametrize("written", MODELS)
def test_a_sampler_has_the_density_of_the_unconstrained_numbers(written: str, tmp_path: Any):
    """Differences between draws, with the log-determinant by differentiation."""
    made = f"  m: {{latent: {written}, shape: [3], global: true}}\n"
    seen = "  y: {observed: mixture(normal), weights: [0.2, 0.3, 0.5], loc: m, scale: 1}\n"
    own = program(f"{HEAD}{made}{seen}sampler: nuts\n", tmp_path)
    y = torch.tensor([0.2, 1.0, 2.5])
    torch.manual_seed(0)
    (raw,) = own.model.parameters()
    name = next(n for n, _ in own.model.named_parameters())
    found, exact = [], []
    for _ in range(4):
        with torch.no_grad():
            raw.copy_(torch.randn(3))
        loss = own.loss("loss", {}, {"y": y}, Noise.at(0, 1), {"data_size": 3.0}).loss
        found.append(-3 * loss.item())

        def value(u):
            return torch.func.functional_call(_Value(own.model), {f"model.{name}": u}, ())

        jacobian = torch.autograd.functional.jacobian(value, raw.detach())
        m = own.model.m.detach().numpy()
        assert (np.diff(m) > 0).all()
        density = stats.norm(m, 1).pdf(y.numpy()[:, None]) @ [0.2, 0.3, 0.5]
        log_det = torch.linalg.slogdet(jacobian).logabsdet.item()
        exact.append(MODELS[written](m) + np.log(density).sum() + log_det)
    np.testing.assert_allclose(np.diff(found), np.diff(exact), atol=1e-9)
    assert np.abs(np.diff(found)).min() > 1e-3


class _Value(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self):
        return self.model.m


def test_different_parameters_of_entries_are_refused():
    """Their density on increasing vectors has no closed form of its integral."""
    made = "  m: {latent: ordered(normal), loc: [0, 1], scale: 2, shape: [2], global: true}\n"
    seen = "  y: {observed: normal, loc: 'm[0]', scale: 1}\n"
    found = front(Source("spec.yaml", f"{HEAD}{made}{seen}sampler: nuts\n")).diagnostics
    assert [each.code for each in found] == ["E0301"]


@pytest.mark.parametrize("kind", ["mean_field", "multivariate_normal"])
def test_a_guide_draws_increasing_vectors(kind, tmp_path):
    made = "  m: {latent: ordered(half_normal), scale: 2, shape: [3], global: true}\n"
    seen = "  y: {observed: normal, loc: sum(m), scale: 1}\n"
    text = f"{HEAD}{made}{seen}guide: {{auto: {kind}}}\nobjective: elbo\n"
    assert not front(Source("spec.yaml", text)).diagnostics
    drawn = program(text, tmp_path).guide.sample_global(Noise.at(0, dtype=torch.float64))["m"]
    assert (drawn > 0).all() and (drawn.diff() > 0).all()


def test_the_flat_one_is_improper():
    assert DISTRIBUTIONS["ordered(improper_uniform)"].improper
    found = Ordered(improper_uniform).log_prob(X)
    torch.testing.assert_close(found, torch.tensor([math.log(6), math.log(6), -math.inf]))
