"""Activations with slopes between -1 and 1, and those slopes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Bend = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From the value t and a number b, which lipswish alone uses, to f(t) and df/dt."""


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


BENDS: dict[str, Bend] = {"elu": elu, "lipswish": lipswish, "sin": sin}
