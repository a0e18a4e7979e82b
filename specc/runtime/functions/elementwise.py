"""Elementwise functions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from specc.runtime.functions.dtypes import promote_dtypes, to_float
from specc.runtime.number import FAR


def clip(value: Tensor | float, low: Tensor | float, high: Tensor | float) -> Tensor:
    """min(max(value, low), high), entry by entry; a tensor or a number for each."""
    if isinstance(value, Tensor) and not isinstance(low, Tensor) and not isinstance(high, Tensor):
        return value.clamp(low, high)
    x, bottom, top = promote_dtypes(value, low, high)
    return torch.minimum(torch.maximum(x, bottom), top)


def known(value: Tensor, *, mask: Tensor | None = None) -> Tensor:
    """1 where `mask` is true and 0 elsewhere, in the shape of `value`, as floating-point numbers.

    The mask has the axes of the value, or the first of them; without a mask the result is 1.
    """
    dtype = value.dtype if value.is_floating_point() else torch.get_default_dtype()
    if mask is None:
        return torch.ones_like(value, dtype=dtype)
    return mask.to(dtype)[(..., *(None,) * (value.ndim - mask.ndim))].expand_as(value)


def logit(probs: Tensor) -> Tensor:
    """log(p / (1 - p)), p in [0, 1]: -inf at 0 and inf at 1, with the gradient 0 there.

    A probability that is 0 or 1 for any values of what it depends on, as z p for z = 0, has that
    gradient; torch.logit has an infinite one, and 0 times it is not a number.
    """
    inside = (probs > 0) & (probs < 1)
    ends = torch.where(probs < 0.5, -torch.inf, torch.inf)
    return torch.where(inside, torch.where(inside, probs, 0.5).logit(), ends)


def log_probs(probs: Tensor) -> Tensor:
    """log p of probabilities, -inf at 0 with the gradient 0, as `logit` has it."""
    inside = probs > 0
    return torch.where(inside, torch.where(inside, probs, 1.0).log(), -torch.inf)


def softplus(value: Tensor) -> Tensor:
    """log(1 + e^x), entry by entry; accepts integers, such as class numbers, unlike torch."""
    return functional.softplus(to_float(value), threshold=FAR)
