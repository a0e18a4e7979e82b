"""Laws of a guide that runs forward through a sequence that the model draws backward.

A stationary autoregression is the same in both directions, so that the guide below is the exact
posterior for every coefficient: each importance weight is p(x), the loss is -log p(x) whatever is
drawn, and its gradient is zero.
"""

import pytest
import torch

from specc.compiler import compile
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program

SPEC = """specc: 1
name: opposite
data: {source: npz, path: d.npz, fields: {x: {from: x, shape: [2]}}}
plates: {t: {scan: 5}}
model:
  a: {parameter: unit_interval}
  top: {latent: normal, loc: 0, scale: 1, shape: [2]}
  z:
    latent: normal
    loc: a * z[t+1]
    scale: sqrt(1 - a ** 2)
    initial: top
    shape: [2]
    plate: t
    reverse: true
  x: {observed: normal, loc: "a * z[0]", scale: sqrt(1 - a ** 2)}
guide:
  z: {latent: normal, loc: "model.a * z[t-1]", scale: sqrt(1 - model.a ** 2), initial: x}
  top: {latent: normal, loc: "model.a * last(z, t)", scale: sqrt(1 - model.a ** 2)}
objective: {iwae: {particles: 2}}
"""
WRONG = {
    "another coefficient": ('loc: "model.a * z[t-1]"', 'loc: "model.a ** 2 * z[t-1]"'),
    "another last step": ("last(z, t)", "first(z, t)"),
    "another start": ("initial: x}", "initial: 0}"),
}


@pytest.fixture(autouse=True)
def _float64():
    with precision(torch.float64):
        yield


def weights_and_loss(text, folder):
    """Log-weights [particles, rows], log p(x) [rows], the loss, and its gradient in a."""
    made = program(text, folder)
    x = torch.randn((4, 2), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.fill_(0.7)
        draws, log_q = made.guide.sample_and_log_prob(Noise.at(1), 6, x=x)
        weights = made.model.log_joint(x=x, **draws) - log_q
    exact = torch.distributions.Normal(0.0, 1.0).log_prob(x).sum(-1)
    loss = made.loss("loss", {}, {"x": x}, Noise.at(2), {}).loss
    (gradient,) = torch.autograd.grad(loss, list(made.parameters()))
    return weights, exact, loss, gradient


def test_a_guide_in_the_opposite_order_is_the_posterior(tmp_path):
    weights, exact, loss, gradient = weights_and_loss(SPEC, tmp_path)
    assert torch.allclose(weights, exact.expand(6, 4), rtol=0, atol=1e-12)
    assert abs(loss + exact.mean()) < 1e-12
    assert abs(gradient) < 1e-12


@pytest.mark.parametrize("name", WRONG)
def test_another_guide_is_not(name, tmp_path):
    weights, exact, loss, gradient = weights_and_loss(SPEC.replace(*WRONG[name]), tmp_path)
    assert (weights - exact).abs().max() > 0.1
    assert abs(loss + exact.mean()) > 0.01
    assert abs(gradient) > 0.01


def test_the_divergence_is_from_the_sample():
    """In closed form it would hold the next step fixed, which depends on the value."""
    text = SPEC.replace("{iwae: {particles: 2}}", "elbo")
    result, _ = compile(Source("opposite.yaml", text))
    (player,) = result.plan.objective.players
    (found,) = (d for d in player.decisions if d.subject == "KL(z)")
    assert found.choice == "from the sample" and "opposite order" in found.reason


def test_a_start_is_not_inherited_from_the_other_end():
    text = SPEC.replace(", initial: x}", "}")
    _, checked = compile(Source("opposite.yaml", text))
    assert [d.code for d in checked.diagnostics] == ["E0244"]
