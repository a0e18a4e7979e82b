"""Networks g(x; c) with a Lipschitz constant in x less than 1, and their Jacobians.

Each weight matrix is divided by an upper bound of its largest singular value: Delattre, Barthelemy,
Araujo and Allauzen (2023), Efficient bound of Lipschitz constant for convolutional layers by Gram
iteration, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

LipschitzActivation = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Maps t and a parameter b, which only lipswish uses, to f(t) and df/dt."""

SQUARINGS = 7
"""With k squarings the bound for rank r is at most r^(2^-(k+2)) times the norm: 1.4 % for 1,024."""


def sin(t: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """sin t, with the slope cos t (Lu et al. 2021, section 5)."""
    return t.sin(), t.cos()


def elu(t: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """t above 0 and exp(t) - 1 below (Behrmann et al. 2019, section 5)."""
    return functional.elu(t), t.clamp_max(0).exp()


def lipswish(t: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """t sigmoid(softplus(b) t) / 1.1 (Chen et al. 2019, section 3.3)."""
    beta = functional.softplus(b)
    share = torch.sigmoid(beta * t)
    return t * share / 1.1, (share + beta * t * share * (1 - share)) / 1.1


LIPSCHITZ_ACTIVATIONS: dict[str, LipschitzActivation] = {
    "elu": elu,
    "lipswish": lipswish,
    "sin": sin,
}


def spectral_bound(weight: Tensor) -> Tensor:
    """The bound || (W^T W)^(2^k) ||_F^(2^-(k+1)) >= sigma(W) with k = 7; differentiable.

    Each square is normalized, and the logarithms of the norms are added, so nothing overflows.
    """
    wide = weight.shape[0] < weight.shape[1]
    gram = weight @ weight.mT if wide else weight.mT @ weight
    tiny = torch.finfo(weight.dtype).tiny
    logarithm = weight.new_zeros(())
    for _ in range(SQUARINGS):
        norm = torch.linalg.matrix_norm(gram).clamp_min(tiny)
        gram = gram / norm
        gram, logarithm = gram @ gram, 2 * (logarithm + norm.log())
    norm = torch.linalg.matrix_norm(gram).clamp_min(tiny)
    result: Tensor = ((logarithm + norm.log()) / 2 ** (SQUARINGS + 1)).exp()
    return result


def spectrally_normalized(weight: Tensor, coefficient: float) -> Tensor:
    """The matrix, scaled down if needed so that its spectral norm is at most `coefficient`."""
    return weight / (spectral_bound(weight) / coefficient).clamp_min(1)


class LipschitzNetwork(nn.Module):
    """W_n f(... f(W_1 x + V c + b_1)) + b_n, where every W_i has spectral norm <= `coefficient`.

    The activations have slopes of at most 1, so the Lipschitz constant in x is less than 1. The
    last W and b are initialized with 0. Behrmann et al. (2019), Invertible residual networks,
    section 2.
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
        self.activation, self.coefficient = LIPSCHITZ_ACTIVATIONS[activation], coefficient
        start = torch.full((len(hidden),), 0.5)
        self.beta = nn.Parameter(start) if activation == "lipswish" else None
        layers = [nn.Linear(before, after) for before, after in pairwise([size, *hidden, size])]
        self.linear = nn.ModuleList(layers)
        self.context = nn.Linear(context, hidden[0], bias=False) if context else None
        nn.init.zeros_(layers[-1].weight)
        nn.init.zeros_(layers[-1].bias)

    def at(self, context: Tensor | None) -> NormalizedNetwork:
        """The network with normalized weights at a context, for repeated evaluation."""
        layers = cast("Iterable[nn.Linear]", self.linear)
        weights = [spectrally_normalized(layer.weight, self.coefficient) for layer in layers]
        biases: list[Tensor] = [layer.bias for layer in layers]
        if self.context is not None and context is not None:
            biases[0] = biases[0] + self.context(context)
        betas = weights[0].new_zeros(len(weights)) if self.beta is None else self.beta
        return NormalizedNetwork(weights, biases, self.activation, betas)


@dataclass(frozen=True, slots=True)
class NormalizedNetwork:
    """The network at a context: values, slopes, and products with the Jacobian J = dg/dx.

    The slopes are one tensor for each hidden layer, at a point x [..., size]; vectors to multiply
    may have additional leading axes.
    """

    weights: list[Tensor]
    biases: list[Tensor]
    activation: LipschitzActivation
    betas: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """The value g(x)."""
        return self.with_slopes(x)[0]

    def with_slopes(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The value g(x) and the slopes of the activations at x."""
        *inner, last = zip(self.weights, self.biases, strict=True)
        slopes = []
        for (weight, bias), beta in zip(inner, self.betas, strict=False):
            x, slope = self.activation(functional.linear(x, weight) + bias, beta)
            slopes.append(slope)
        return functional.linear(x, *last), slopes

    def times(self, slopes: list[Tensor], v: Tensor) -> Tensor:
        """The product J v."""
        for weight, slope in zip(self.weights, slopes, strict=False):
            v = functional.linear(v, weight) * slope
        return functional.linear(v, self.weights[-1])

    def transposed(self, slopes: list[Tensor], v: Tensor) -> Tensor:
        """The product J^T v."""
        v = v @ self.weights[-1]
        pairs = list(zip(self.weights, slopes, strict=False))
        for weight, slope in reversed(pairs):
            v = (v * slope) @ weight
        return v

    def jacobian(self, slopes: list[Tensor]) -> Tensor:
        """The Jacobian J, [..., size, size]."""
        size = self.weights[-1].shape[0]
        eye = torch.eye(size, dtype=slopes[0].dtype, device=slopes[0].device)
        axes = (1,) * (slopes[0].ndim - 1)
        return self.times(slopes, eye.reshape(size, *axes, size)).movedim(0, -1)
