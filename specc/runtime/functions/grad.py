"""Derivatives inside an expression."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def grad(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """The gradient df/dv at `at`, of the shape of `at`: each row of `function` is its own number.

    It is part of the graph, so that a loss which holds it has a gradient with respect to parameters
    of `function` (double backpropagation; Drucker and Le Cun 1992).

    Args:
        function: From values [..., *event] to numbers [...], row by row.
        at: The values at which it is differentiated, [..., *event].

    """
    found: Tensor = torch.func.grad(lambda value: function(value).sum())(at)
    return found
