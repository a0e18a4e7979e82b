"""A linear map with masked weights, by the degrees of inputs and outputs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class MaskedLinear(nn.Linear):
    """y = (W * M) x + b, with M[i, j] = 1 if degree j of the input <= degree i of the output.

    `strict` requires < instead of <=. Degrees are [size], or [n, size] for n orders, which share W;
    then x is [n, ..., inputs]. The mask is applied to the weight at each call, so an optimizer has
    no effect on masked weights (Germain et al. 2015, equation 8).
    """

    mask: Tensor

    def __init__(self, inputs: Tensor, outputs: Tensor, strict: bool, bias: bool = True) -> None:
        super().__init__(inputs.shape[-1], outputs.shape[-1], bias=bias)
        before, after = inputs.unsqueeze(-2), outputs.unsqueeze(-1)
        # A float costs half the time of a truth value in the product.
        mask = (before < after if strict else before <= after).to(self.weight.dtype)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """The map of x [..., inputs], [..., outputs]."""
        weight = self.weight * self.mask
        if weight.ndim == 2:
            return functional.linear(x, weight, self.bias)
        y = x.reshape(len(weight), -1, self.in_features) @ weight.mT
        y = y if self.bias is None else y + self.bias
        return y.reshape(*x.shape[:-1], self.out_features)


def joined(*parts: Tensor) -> Tensor:
    """The concatenation of vectors, with their leading axes broadcast."""
    if len(parts) == 1:
        return parts[0]
    shapes = [part.shape[:-1] for part in parts]
    leading: torch.Size = torch.broadcast_shapes(*shapes)  # type: ignore[no-untyped-call]
    return torch.cat([part.expand(*leading, -1) for part in parts], -1)
