"""The functions between two layers that a spec may name."""

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


def activation(name: str) -> Layer:
    """The layer of a named activation."""
    return Layer(ACTIVATIONS[name])
