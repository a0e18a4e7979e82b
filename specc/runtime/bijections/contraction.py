"""Networks g(x; c) that bring any two x closer together, with their Jacobians."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from specc.runtime.bijections.bends import BENDS, Bend
from specc.runtime.bijections.spectral import contracted


class Contraction(nn.Module):
    """W_n f(... f(W_1 x + V c + b_1)) + b_n, every W_i of spectral norm `coefficient` at most.

    The activations have slopes of 1 at most, so the Lipschitz constant in x is less than 1. The
    last W and b start at 0. Behrmann et al. (2019), Invertible residual networks, section 2.
    """

    def __init__(
        self,
        size: int,
        hidden: Sequence[int],
        activation: str,
        coefficient: float,
        context: int = 0,
    ) -> None:
        super().__init__()
        self.bend, self.coefficient = BENDS[activation], coefficient
        start = torch.full((len(hidden),), 0.5)
        self.beta = nn.Parameter(start) if activation == "lipswish" else None
        layers = [nn.Linear(before, after) for before, after in pairwise([size, *hidden, size])]
        self.linear = nn.ModuleList(layers)
        self.context = nn.Linear(context, hidden[0], bias=False) if context else None
        nn.init.zeros_(layers[-1].weight)
        nn.init.zeros_(layers[-1].bias)

    def at(self, context: Tensor | None) -> Contracted:
        """The network with its weights made small enough, for many evaluations."""
        layers = cast("Iterable[nn.Linear]", self.linear)
        weights = [contracted(layer.weight, self.coefficient) for layer in layers]
        biases: list[Tensor] = [layer.bias for layer in layers]
        if self.context is not None and context is not None:
            biases[0] = biases[0] + self.context(context)
        betas = weights[0].new_zeros(len(weights)) if self.beta is None else self.beta
        return Contracted(weights, biases, self.bend, betas)


@dataclass(frozen=True, slots=True)
class Contracted:
    """The network at a context: its value, its slopes, and products with its Jacobian J = dg/dx.

    Slopes, one tensor for each hidden layer, are those at one x [..., size]; vectors to be
    multiplied may have more leading axes than x.
    """

    weights: list[Tensor]
    biases: list[Tensor]
    bend: Bend
    betas: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """g(x)."""
        return self.with_slopes(x)[0]

    def with_slopes(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """g(x), and the slopes of the activations there."""
        *inner, last = zip(self.weights, self.biases, strict=True)
        slopes = []
        for (weight, bias), beta in zip(inner, self.betas, strict=False):
            x, slope = self.bend(functional.linear(x, weight) + bias, beta)
            slopes.append(slope)
        return functional.linear(x, *last), slopes

    def times(self, slopes: list[Tensor], v: Tensor) -> Tensor:
        """J v."""
        for weight, slope in zip(self.weights, slopes, strict=False):
            v = functional.linear(v, weight) * slope
        return functional.linear(v, self.weights[-1])

    def transposed(self, slopes: list[Tensor], v: Tensor) -> Tensor:
        """J^T v."""
        v = v @ self.weights[-1]
        pairs = list(zip(self.weights, slopes, strict=False))
        for weight, slope in reversed(pairs):
            v = (v * slope) @ weight
        return v

    def jacobian(self, slopes: list[Tensor]) -> Tensor:
        """J, [..., size, size]."""
        size = self.weights[-1].shape[0]
        eye = torch.eye(size, dtype=slopes[0].dtype, device=slopes[0].device)
        axes = (1,) * (slopes[0].ndim - 1)
        return self.times(slopes, eye.reshape(size, *axes, size)).movedim(0, -1)
