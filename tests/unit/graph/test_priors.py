"""Links with a prior become latents and deterministic nodes of the model."""

from __future__ import annotations

import pytest
import torch

from specc.compiler import compile, front
from specc.diagnostics.source import Source
from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import gradient, settle
from tests.losses import computed

HEAD = """
specc: 1
name: network
model:
  x: {given: x, shape: [3]}
  %s
"""
SHORT = (
    HEAD % 'y: {observed: normal, loc: "2 * net(x)", scale: 0.5, shape: []}'
    + """
links: {net: {mlp: [4, 2], activation: tanh, prior: {normal: {loc: 0, scale: fan_in}}}}
objective: map
"""
)
LONG = (
    HEAD
    % """net_w1: {latent: normal, loc: 0, scale: 0.57735, shape: [3, 4], global: true}
  net_b1: {latent: normal, loc: 0, scale: 1, shape: [4], global: true}
  net_w2: {latent: normal, loc: 0, scale: 0.5, shape: [4, 2], global: true}
  net_b2: {latent: normal, loc: 0, scale: 1, shape: [2], global: true}
  net_w3: {latent: normal, loc: 0, scale: 0.707107, shape: [2], global: true}
  net_b3: {latent: normal, loc: 0, scale: 1, shape: [], global: true}
  h1: {let: tanh(x @ net_w1 + net_b1)}
  h2: {let: tanh(h1 @ net_w2 + net_b2)}
  y: {observed: normal, loc: 2 * (h2 @ net_w3 + net_b3), scale: 0.5, shape: []}"""
    + "\nobjective: map\n"
)
X = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
Y = torch.tensor([0.1, -0.4, 1.2, 0.3, -2.0], dtype=torch.float64)


@pytest.fixture(autouse=True)
def _double():
    with precision(torch.float64):
        yield


def loss_of(text, folder):
    made = program(text, folder)
    settle(made)
    loss = computed(made, {"x": X, "y": Y}, Noise.at(0, dtype=torch.float64), len(Y))[0]
    return loss, gradient(made, loss)


def test_a_link_with_a_prior_is_its_long_form(tmp_path):
    for short, long in zip(loss_of(SHORT, tmp_path), loss_of(LONG, tmp_path), strict=True):
        torch.testing.assert_close(short, long)


def test_the_network_is_that_of_the_plain_link(tmp_path):
    """With the weights of torch's layers the means are those of the link without a prior."""
    plain = SHORT.replace(", prior: {normal: {loc: 0, scale: fan_in}}", "").replace("map", "mle")
    link, latent = program(plain, tmp_path), program(SHORT, tmp_path)
    linear = [m for m in link.model.modules() if isinstance(m, torch.nn.Linear)]
    with torch.no_grad():
        for number, layer in enumerate(linear, 1):
            weight = layer.weight.mT if number < 3 else layer.weight[0]
            getattr(latent.model, f"net_w{number}").copy_(weight)
            getattr(latent.model, f"net_b{number}").copy_(
                layer.bias.reshape(layer.bias.shape[: number < 3])
            )
    torch.testing.assert_close(link.model.log_prob(x=X, y=Y), latent.model.log_prob(x=X, y=Y))


PARTICLES = SHORT.replace("objective: map", "guide: auto\nobjective: {elbo: {particles: 3}}")


def test_draws_of_weights_are_one_batch(tmp_path):
    """The loss of three draws is the mean of those of single draws."""
    made = program(PARTICLES, tmp_path)
    values, _ = made.guide.sample_global_and_log_prob(Noise.at(2, dtype=torch.float64), 3)
    together = made.model.log_joint(x=X, y=Y, **values)
    for number in range(3):
        one = {name: value[number].squeeze(0) for name, value in values.items()}
        torch.testing.assert_close(together[number], made.model.log_joint(x=X, y=Y, **one))


SEVERAL = """
specc: 1
name: several
model:
  x: {given: x, shape: [3]}
  u: {given: u, shape: []}
  y: {observed: gamma, params: "net(x, u)", shape: []}
links: {net: {mlp: [4], prior: {laplace: {loc: 0, scale: 1}}}}
sampler: nuts
"""


def test_heads_and_several_arguments():
    found = front(Source("spec.yaml", SEVERAL))
    assert found.ok, found.diagnostics
    assert found.plan is not None
    text = found.plan.experiment.derived
    assert 'net_h1: {let: "relu(concat(x, u) @ net_w1 + net_b1)"}' in text
    arguments = found.graph.model.nodes["y"].arguments
    assert {"concentration", "rate"} == set(arguments)


@pytest.mark.parametrize(
    "link, reason",
    [
        ("{mlp: [4], normalization: layer", "a layer `nn.LayerNorm`"),
        ("{mlp: [4], activation: mish", "no function of expressions is its activation, mish"),
    ],
)
def test_weights_that_are_no_latents(link, reason):
    text = SHORT.replace("{mlp: [4, 2], activation: tanh", link)
    found = compile(Source("spec.yaml", text))[1]
    errors = [d for d in found.diagnostics if d.code == "E0493"]
    assert not found.ok and reason in errors[0].evidence["reason"]


def test_a_link_that_the_guide_uses():
    text = PARTICLES.replace(
        "guide: auto", "guide: {net: auto, z: {latent: normal, params: net(y)}}"
    )
    assert not front(Source("spec.yaml", text)).ok
