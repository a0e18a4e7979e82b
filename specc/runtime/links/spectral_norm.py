"""Linear maps and convolutions whose weights are divided by their largest singular value.

    y = (W / sigma) x + b,   sigma = u^T W v

with W as a matrix [outputs, other axes], and unit vectors u, v, which power iterations make
converge to the first pair of singular vectors (Miyato et al. 2018, Spectral normalization for
generative adversarial networks, equation 12, algorithm 1 and appendix A). The gradient treats u and
v as constants. They are buffers that `forward` does not change: after each update of W the rule
`power_iteration` (`specc.runtime.after_update`) makes one iteration, and evaluation makes none.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

START_ITERATIONS = 15
"""Iterations from random vectors on the initial weights, which `after_update.start` makes."""


class SpectralNorm(nn.Module):
    """The base class of the layers; `axis` is the axis of the outputs in the weight."""

    axis = 0
    weight: Tensor
    u: Tensor
    v: Tensor

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - of the layer
        super().__init__(*arguments, **options)
        rows, columns = _matrix(self.weight, self.axis).shape
        self.register_buffer("u", functional.normalize(torch.randn(rows), dim=0))
        self.register_buffer("v", functional.normalize(torch.randn(columns), dim=0))

    def normalized(self) -> Tensor:
        """W / sigma."""
        sigma = self.u @ (_matrix(self.weight, self.axis) @ self.v)
        return self.weight.div(sigma)

    @torch.no_grad()
    def iterate(self, times: int) -> None:
        """Updates u and v in place by `times` power iterations."""
        for _ in range(times):
            u, v = self.next_vectors()
            self.u.copy_(u)
            self.v.copy_(v)

    def next_vectors(self) -> tuple[Tensor, Tensor]:
        """u and v after one more iteration: v = W^T u, then u = W v, each of norm 1."""
        gathered: Tensor = getattr(self.weight, "full_tensor", lambda: self.weight)()
        matrix = _matrix(gathered, self.axis)
        v = functional.normalize(matrix.mT @ self.u, dim=0)
        return functional.normalize(matrix @ v, dim=0), v


class SpectralLinear(SpectralNorm, nn.Linear):
    """`nn.Linear` with W / sigma."""

    def forward(self, input: Tensor) -> Tensor:
        """(W / sigma) x + b."""
        return functional.linear(input, self.normalized(), self.bias)


class SpectralConv2d(SpectralNorm, nn.Conv2d):
    """`nn.Conv2d` with W / sigma."""

    def forward(self, input: Tensor) -> Tensor:
        """The convolution of x with W / sigma, plus b."""
        result: Tensor = self._conv_forward(input, self.normalized(), self.bias)
        return result


class SpectralConvTranspose2d(SpectralNorm, nn.ConvTranspose2d):
    """`nn.ConvTranspose2d` with W / sigma."""

    axis = 1

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """The transposed convolution of x with W / sigma, plus b."""
        del output_size
        step, cut, rest = self.stride, cast("tuple[int, ...]", self.padding), self.output_padding
        return functional.conv_transpose2d(input, self.normalized(), self.bias, step, cut, rest)


def _matrix(weight: Tensor, axis: int) -> Tensor:
    """A weight as a matrix with a row for each output."""
    return weight.movedim(axis, 0).flatten(1)
