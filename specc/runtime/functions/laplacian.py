"""Second derivatives inside an expression."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def laplacian(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """The sum of d^2f/dv_i^2 over the entries of each row at `at`: [...].

    It takes the gradient of each entry of the gradient, one after the other, and can be
    differentiated again.

    Args:
        function: f, from values [..., *event] to numbers [...], each row independent of the others.
        at: The values v at which f is differentiated, [..., *event].

    """
    rank = function(at).dim()
    gradient = torch.func.grad(lambda value: function(value).sum())
    size = at.flatten(rank).shape[-1] if at.dim() > rank else 1

    def entry(value: Tensor, i: int) -> Tensor:
        found: Tensor = gradient(value)
        return found.reshape(*value.shape[:rank], size)[..., i]

    total = torch.zeros((), dtype=at.dtype, device=at.device)
    for i in range(size):
        second = torch.func.grad(lambda value, i=i: entry(value, i).sum())(at)
        total = total + second.reshape(*at.shape[:rank], size)[..., i]
    return total
