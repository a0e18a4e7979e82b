"""Gradients of discrete draws through continuous ones, which are biased."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def straight_through(soft: Tensor, harden: Callable[[Tensor], Tensor]) -> Tensor:
    """The value `harden(soft)` with the gradient of `soft` (Jang, Gu and Poole 2017, section 2.2).

    Both have the same shape.
    """
    return harden(soft) + (soft - soft.detach())
