"""The activation functions of links."""

from __future__ import annotations

from typing import Literal

from specc.catalog.entry import Layer

Activation = Literal[
    "celu",
    "elu",
    "gelu",
    "hardtanh",
    "identity",
    "leaky_relu",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softsign",
    "tanh",
]

ACTIVATIONS: dict[str, str] = {
    "celu": "nn.CELU",
    "elu": "nn.ELU",
    "gelu": "nn.GELU",
    "hardtanh": "nn.Hardtanh",
    "identity": "nn.Identity",
    "leaky_relu": "nn.LeakyReLU",
    "mish": "nn.Mish",
    "relu": "nn.ReLU",
    "relu6": "nn.ReLU6",
    "selu": "nn.SELU",
    "sigmoid": "nn.Sigmoid",
    "silu": "nn.SiLU",
    "softplus": "nn.Softplus",
    "softsign": "nn.Softsign",
    "tanh": "nn.Tanh",
}

FORMULAS: dict[str, str] = {
    "celu": "max(x, 0) + min(e^x - 1, 0)",
    "elu": "x where x > 0, else e^x - 1",
    "gelu": "x Phi(x), Phi the distribution function of the standard normal",
    "hardtanh": "min(max(x, -1), 1)",
    "identity": "x",
    "leaky_relu": "x where x > 0, else 0.01 x",
    "mish": "x tanh(log(1 + e^x))",
    "relu": "max(x, 0)",
    "relu6": "min(max(x, 0), 6)",
    "selu": "1.0507 x where x > 0, else 1.7581 (e^x - 1)",
    "sigmoid": "1 / (1 + e^-x)",
    "silu": "x / (1 + e^-x)",
    "softplus": "log(1 + e^x)",
    "softsign": "x / (1 + |x|)",
    "tanh": "(e^x - e^-x) / (e^x + e^-x)",
}
"""The formula of each activation, entry by entry."""


def activation(name: str) -> Layer:
    """The layer of a named activation."""
    return Layer(ACTIVATIONS[name])
