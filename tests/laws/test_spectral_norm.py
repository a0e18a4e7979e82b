"""Spectral normalization of links: singular values by numpy, gradients by finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from specc.catalog.link import LinkShapeError
from specc.catalog.registry import LINKS
from specc.runtime import after_update
from specc.runtime.after_update import AfterUpdate
from specc.runtime.links.spectral_norm import SpectralNorm
from tests.laws.instantiate import network

# kind, options, input, output.
CASES = [
    ("linear", {}, (7,), (5,)),
    ("mlp", {"mlp": [11, 13], "activation": "tanh", "bias": False}, (7,), (5,)),
    ("resnet", {"resnet": [11, 12], "activation": "tanh"}, (7,), (5,)),
    ("gru", {}, (7,), (5,)),
    ("conv", {"conv": [4, 6], "kernel": 4, "activation": "tanh", "hidden": [9]}, (3, 8, 8), (5,)),
    ("deconv", {"deconv": [6, 4], "kernel": 4, "activation": "tanh"}, (7,), (3, 8, 8)),
    ("layers", {"layers": [{"linear": 11}, "tanh", "linear"]}, (7,), (5,)),
]
IDS = [kind for kind, *_ in CASES]
MANY = 3000


@pytest.fixture(autouse=True)
def in_double():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def made(kind, options, inputs, output):
    entry = LINKS[kind]
    given = entry.Options.model_validate({**options, "spectral_norm": True})
    return network(entry.lower(given, inputs, output))


def normalized(net):
    return {n: m for n, m in net.named_modules() if isinstance(m, SpectralNorm)}


def iterate(net, times):
    rules = [AfterUpdate("power_iteration", name, name) for name in normalized(net)]
    for _ in range(times):
        after_update.advance(net, rules)


def as_matrix(weight, layer):
    """The weight as a matrix [outputs, rest], with numpy alone."""
    array = weight.detach().numpy()
    transposed = isinstance(layer, nn.ConvTranspose2d)
    return np.moveaxis(array, 1 if transposed else 0, 0).reshape(
        array.shape[1 if transposed else 0], -1
    )


@pytest.mark.parametrize("kind, options, inputs, output", CASES, ids=IDS)
def test_after_many_iterations_the_largest_singular_value_is_one(kind, options, inputs, output):
    net = made(kind, options, inputs, output)
    plain = [m for m in net.modules() if type(m) in (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)]
    assert normalized(net) and not plain
    iterate(net, MANY)
    for layer in normalized(net).values():
        whole = np.linalg.svd(as_matrix(layer.weight, layer), compute_uv=False)
        divided = np.linalg.svd(as_matrix(layer.normalized(), layer), compute_uv=False)
        np.testing.assert_allclose(divided, whole / whole[0], rtol=1e-6)


def test_one_iteration_is_algorithm_1():
    """v = W^T u / |W^T u|, u = W v / |W v|, sigma = u^T W v (Miyato et al. 2018)."""
    layer = made("linear", {}, (7,), (5,))[0]
    weight, u = layer.weight.detach().numpy(), layer.u.numpy().copy()
    v = weight.T @ u
    v /= np.linalg.norm(v)
    u = weight @ v
    u /= np.linalg.norm(u)
    iterate(nn.Sequential(layer), 1)
    np.testing.assert_allclose(layer.u.numpy(), u, rtol=1e-12)
    np.testing.assert_allclose(layer.v.numpy(), v, rtol=1e-12)
    np.testing.assert_allclose(layer.normalized().detach(), weight / (u @ weight @ v), rtol=1e-12)


def differences(net, x, weight, step=1e-5):
    """The gradient of the sum of the squares of the result, by central differences."""
    found = torch.zeros_like(weight)
    with torch.no_grad():
        for place in np.ndindex(*weight.shape):
            values = []
            for sign in (1, -1):
                weight[place] += sign * step
                values.append(net(x).square().sum().item())
                weight[place] -= sign * step
            found[place] = (values[0] - values[1]) / (2 * step)
    return found


@pytest.mark.parametrize("kind, options, inputs, output", CASES, ids=IDS)
def test_the_gradient_is_that_with_both_vectors_held(kind, options, inputs, output):
    net = made(kind, options, inputs, output)
    iterate(net, after_update.START_ITERATIONS)
    x = torch.randn(3, *inputs)
    net(x).square().sum().backward()
    for layer in normalized(net).values():
        wanted = differences(net, x, layer.weight)
        atol = 1e-6 * wanted.abs().max().item()
        torch.testing.assert_close(layer.weight.grad, wanted, rtol=1e-5, atol=atol)


def test_a_gradient_that_stops_at_sigma_is_noticed(monkeypatch):
    def stopped(self):
        sigma = self.u @ self.weight @ self.v
        return self.weight / sigma.detach()

    monkeypatch.setattr(SpectralNorm, "normalized", stopped)
    net, x = made("linear", {}, (7,), (5,)), torch.randn(3, 7)
    net(x).square().sum().backward()
    monkeypatch.undo()
    wanted = differences(net, x, net[0].weight)
    assert not torch.allclose(net[0].weight.grad, wanted, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("training", [True, False])
def test_no_computation_changes_the_vectors(training):
    net = made(*CASES[4]).train(training)
    before = {name: value.clone() for name, value in net.named_buffers()}
    net(torch.randn(3, 3, 8, 8)).sum().backward()
    assert all(torch.equal(value, before[name]) for name, value in net.named_buffers())


def test_an_iteration_that_is_skipped_changes_nothing():
    net = made("linear", {}, (7,), (5,))
    before = net[0].u.clone()
    rules = [AfterUpdate("power_iteration", "0", "0")]
    after_update.advance(net, rules, torch.tensor(1.0))
    assert torch.equal(net[0].u, before)
    after_update.advance(net, rules, torch.tensor(0.0))
    assert not torch.equal(net[0].u, before)


def test_weights_of_zero_are_refused():
    with pytest.raises(LinkShapeError, match="divides weights of zero"):
        made("mlp", {"mlp": [3], "init": "zeros"}, (2,), (1,))
