"""Initialization of the weights of a network: a function for each scheme, applied to a module.

Each sets the weight of every linear map and convolution in the module, and its bias to zero;
normalization layers keep the defaults of torch (factor 1, offset 0). With n inputs to a unit and m
outputs, a weight has the standard deviation

    xavier:   gain * sqrt(2 / (n + m))   (Glorot and Bengio 2010, eq. 16)
    kaiming:  gain / sqrt(n)             (He et al. 2015, eq. 10; gain = sqrt(2) for a ReLU)

and `orthogonal` makes orthonormal rows or columns times the gain (Saxe et al. 2014, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import init

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)


def xavier_uniform(module: nn.Module, gain: float = 1.0) -> None:
    """Uniform weights of the standard deviation `xavier`."""
    _initialize(module, lambda weight, inputs: init.xavier_uniform_(weight, gain))


def xavier_normal(module: nn.Module, gain: float = 1.0) -> None:
    """Normal weights of the standard deviation `xavier`."""
    _initialize(module, lambda weight, inputs: init.xavier_normal_(weight, gain))


def kaiming_uniform(module: nn.Module, gain: float = math.sqrt(2.0)) -> None:
    """Uniform weights of the standard deviation `kaiming`."""

    def fill(weight: Tensor, inputs: int) -> None:
        bound = gain * math.sqrt(3.0 / inputs)
        init.uniform_(weight, -bound, bound)

    _initialize(module, fill)


def kaiming_normal(module: nn.Module, gain: float = math.sqrt(2.0)) -> None:
    """Normal weights of the standard deviation `kaiming`."""
    _initialize(module, lambda weight, inputs: init.normal_(weight, 0.0, gain / math.sqrt(inputs)))


def orthogonal(module: nn.Module, gain: float = 1.0) -> None:
    """Orthonormal rows or columns, times the gain."""
    _initialize(module, lambda weight, inputs: init.orthogonal_(weight, gain))


def zeros(module: nn.Module) -> None:
    """Zero weights: the initial output is 0, and only the last layer has nonzero gradients."""
    _initialize(module, lambda weight, inputs: init.zeros_(weight))


def _initialize(module: nn.Module, fill: Callable[[Tensor, int], object]) -> None:
    for part in module.modules():
        if isinstance(part, WEIGHTED):
            fill(part.weight, _inputs(part))
            if part.bias is not None:
                init.zeros_(part.bias)


def _inputs(part: nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d) -> int:
    """The inputs to a unit: the size of a row, or the channels of a kernel times its area."""
    if isinstance(part, nn.Linear):
        return part.in_features
    return part.in_channels * math.prod(part.kernel_size)
