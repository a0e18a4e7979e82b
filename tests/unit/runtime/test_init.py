"""Schemes of initial weights: their standard deviations, bounds and orthogonality."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from specc.catalog.links.blocks.initialization import initializer
from specc.catalog.registry import LINKS
from specc.runtime import init
from tests.laws.instantiate import network

# One layer of each kind with (n inputs, m outputs) of a unit, as the scheme counts them.
LAYERS = [
    (lambda: nn.Linear(300, 200), 300, 200),
    (lambda: nn.Conv1d(30, 40, 25), 30 * 25, 40 * 25),
    (lambda: nn.Conv2d(30, 40, 5), 30 * 25, 40 * 25),
    (lambda: nn.ConvTranspose2d(30, 40, 5), 30 * 25, 40 * 25),
]


@pytest.mark.parametrize("make, n, m", LAYERS)
@pytest.mark.parametrize("gain", [None, 0.5])
@pytest.mark.parametrize(
    "scheme, expected",
    [
        ("xavier_uniform", lambda n, m: math.sqrt(2 / (n + m))),
        ("xavier_normal", lambda n, m: math.sqrt(2 / (n + m))),
        ("kaiming_uniform", lambda n, m: 1 / math.sqrt(n)),
        ("kaiming_normal", lambda n, m: 1 / math.sqrt(n)),
    ],
)
def test_the_standard_deviation_is_the_paper_s(make, n, m, gain, scheme, expected):
    torch.manual_seed(0)
    layer = make()
    getattr(init, scheme)(layer, **({} if gain is None else {"gain": gain}))
    usual = math.sqrt(2) if scheme.startswith("kaiming") else 1.0
    sd = expected(n, m) * (usual if gain is None else gain)
    # The sample standard deviation of N numbers has the relative error sqrt(1/(2N)) if normal, less
    # if uniform; 5 of them are exceeded once in 2 million.
    assert layer.weight.std().item() == pytest.approx(
        sd, rel=5 / math.sqrt(2 * layer.weight.numel())
    )
    if scheme.endswith("uniform"):
        assert layer.weight.abs().max() <= sd * math.sqrt(3) * (1 + 1e-6)
    assert (layer.bias == 0).all()


@pytest.mark.parametrize("gain", [1.0, 1.5])
def test_orthogonal_columns(gain):
    layer = nn.Linear(20, 50)
    init.orthogonal(layer, gain=gain)
    torch.testing.assert_close(layer.weight.T @ layer.weight, gain**2 * torch.eye(20))


def test_zeros_and_the_default():
    layer = nn.Linear(3, 2)
    init.zeros(layer)
    assert (layer.weight == 0).all() and (layer.bias == 0).all()
    assert initializer("default") is None


def test_normalization_layers_keep_their_start_and_a_missing_bias_is_passed_over():
    net = nn.Sequential(nn.Linear(3, 4, bias=False), nn.LayerNorm(4), nn.BatchNorm1d(4))
    init.zeros(net)
    assert (net[1].weight == 1).all() and (net[2].weight == 1).all()


def test_a_link_starts_as_its_spec_says():
    mlp = LINKS["mlp"]
    options = mlp.Options.model_validate({"mlp": [50], "init": {"orthogonal": {"gain": 2.0}}})
    net = network(mlp.lower(options, (20,), (30,)))
    torch.testing.assert_close(net[0].weight.T @ net[0].weight, 4 * torch.eye(20))
    torch.testing.assert_close(net[2].weight @ net[2].weight.T, 4 * torch.eye(30))
    assert (net[0].bias == 0).all()


@pytest.mark.parametrize("scheme", ["xavier_uniform", "kaiming_normal", "orthogonal", "zeros"])
@pytest.mark.parametrize("kind, inputs", [("conv", (1, 8, 8)), ("resnet", (5,)), ("linear", (5,))])
def test_every_weight_of_a_link_is_started(kind, inputs, scheme):
    entry = LINKS[kind]
    main = {} if kind == "linear" else {kind: [4]}
    options = entry.Options.model_validate({**main, "init": scheme})
    net = network(entry.lower(options, inputs, (3,)))
    biases = [p for name, p in net.named_parameters() if name.endswith("bias")]
    assert biases and all((bias == 0).all() for bias in biases)
