"""The logarithm of the normal distribution function, with a derivative that does not cancel.

    d/dz log Phi(z) = phi(z) / Phi(z) = sqrt(2 / pi) / erfcx(-z / sqrt(2))

erfcx(x) = e^(x^2) erfc(x) (Abramowitz and Stegun 1964, 7.1.2).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

FAR = -700.0
"""Below it e^x leaves the range of float64."""


def log_ndtr(z: Tensor) -> Tensor:
    """log Phi(z)."""
    found: Tensor = _LogNdtr.apply(z)  # type: ignore[no-untyped-call]
    return found


def hazard(z: Tensor) -> Tensor:
    """phi(z) / Phi(z), differentiable."""
    low = z < 0
    below, above = torch.where(low, z, 0.0), torch.where(low, 0.0, z)
    tail = math.sqrt(2 / math.pi) / torch.special.erfcx(-below * math.sqrt(0.5))
    density = (-0.5 * above * above).exp() / math.sqrt(2 * math.pi)
    return torch.where(low, tail, density / torch.special.ndtr(above))


def log_ndtri(log_p: Tensor) -> Tensor:
    """The z with log Phi(z) = log_p <= log(1/2), without a gradient."""
    with torch.no_grad():
        wanted = log_p.double()
        near = torch.special.ndtri(wanted.clamp_min(FAR).exp())
        z = torch.where(wanted > FAR, near, -(-2 * wanted).sqrt())
        for _ in range(3):  # Newton's steps
            z = z - (torch.special.log_ndtr(z) - wanted) / hazard(z)
        return z.to(log_p.dtype)


class _LogNdtr(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor) -> Tensor:
        found: Tensor = torch.special.log_ndtr(z)
        return found

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ANN401
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # noqa: ANN401
        (z,) = ctx.saved_tensors
        return grad * hazard(z)
