"""Derivatives inside an expression."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def grad(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """The gradient df/dv of each row at `at`, in the shape of `at`.

    The result is differentiable, so a loss that contains it has a gradient with respect to the
    parameters of `function` (double backpropagation; Drucker and Le Cun 1992).

    Args:
        function: f, from values [..., *event] to numbers [...], each row independent of the others.
        at: The values v at which f is differentiated, [..., *event].

    """
    found: Tensor = torch.func.grad(lambda value: function(value).sum())(at)
    return found
