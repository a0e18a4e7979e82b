"""The log of a mean of exponentials, without overflow."""

from __future__ import annotations

import math

from torch import Tensor


def logmeanexp(value: Tensor, dim: int) -> Tensor:
    """Log 1/K sum_k exp(value_k) over the axis `dim` of size K."""
    return value.logsumexp(dim) - math.log(value.shape[dim])
