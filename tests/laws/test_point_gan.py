"""The GAN of point clouds: its symmetries, and its critic's loss by hand in plain torch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn.functional import leaky_relu, linear, relu

from specc.engine.storage.loaded_run import precision
from specc.runtime.noise import Noise
from tests.laws.compiling import program
from tests.laws.estimating import settle
from tests.losses import computed

SPEC = Path(__file__).parents[2] / "specs" / "point_gan.yaml"
ROWS, POINTS = 5, 24
X = torch.randn(ROWS, POINTS, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
ORDER = torch.randperm(POINTS, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def made(tmp_path):
    with precision(torch.float64):
        found = program(SPEC.read_text(encoding="utf-8"), tmp_path)
        settle(found)
        with torch.no_grad():
            for value in found.parameters():
                value.mul_(0.3)
        yield found.eval()


def maps(module, value, activation):
    """The linear maps of a network, with an activation between them."""
    every = [layer for layer in module.modules() if hasattr(layer, "weight")]
    for number, layer in enumerate(every):
        value = linear(value, layer.weight, layer.bias)
        value = activation(value) if number + 1 < len(every) else value
    return value


def critic(network, clouds):
    """Zaheer et al. (2017), theorem 2: phi for each point, their mean, and rho."""
    weights = [layer for layer in network.modules() if hasattr(layer, "weight")]
    value = clouds
    for number, layer in enumerate(weights):
        value = value.mean(-2) if number == 2 else value
        value = linear(value, layer.weight, layer.bias)
        value = leaky_relu(value) if number + 1 < len(weights) else value
    return value.squeeze(-1)


def drawn(model, noise):
    """The clouds: each point is a function of its own latent and of that of the cloud."""
    z, u = noise.normal((ROWS, 8)), noise.normal((ROWS, POINTS, 4))
    h = relu(maps(model.lift, u, relu) + maps(model.shape, z, relu)[:, None])
    return maps(model.draw, h, relu)


def test_the_loss_of_the_critic_is_that_by_hand(made):
    """Gulrajani et al. (2017), equation 3, with the weight 1/2."""
    noise, network = Noise.at(3, dtype=torch.float64), made.networks.critic
    clouds = drawn(made.model, noise).detach()
    t = noise.uniform((ROWS,))[:, None, None]
    between = (t * X + (1 - t) * clouds).requires_grad_()
    (slope,) = torch.autograd.grad(critic(network, between).sum(), between)
    penalty = ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
    distance = critic(network, clouds).mean() - critic(network, X).mean()
    same = Noise.at(3, dtype=torch.float64)
    loss = computed(made, {"x": X}, same, ROWS, name="critic")[0]
    assert torch.allclose(loss, distance + penalty / 2, rtol=1e-10)
    assert not torch.allclose(loss, distance + penalty, rtol=1e-3)


def test_the_critic_does_not_see_the_order_of_the_points(made):
    network = made.networks.critic
    assert torch.allclose(network(X), network(X[:, ORDER]), rtol=1e-12)
    moved = X.clone()
    moved[:, 0] += 1
    assert not torch.allclose(network(X), network(moved), rtol=1e-6)


def test_the_points_of_a_sample_follow_the_order_of_their_latents(made):
    model, noise = made.model, Noise.at(4, dtype=torch.float64)
    z, u = noise.normal((ROWS, 8)), noise.normal((ROWS, POINTS, 4))
    outline = model.outline(z)
    clouds = model.x(model.h(u, outline))
    permuted = model.x(model.h(u[:, ORDER], outline))
    assert torch.allclose(permuted, clouds[:, ORDER], rtol=1e-12)
    assert not torch.allclose(clouds, model.x(model.h(u, model.outline(z.flip(0)))))
