"""A smooth way from all numbers onto the positive ones."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from specc.runtime.functions.real import real
from specc.runtime.number import FAR


def softplus(value: Tensor) -> Tensor:
    """log(1 + e^x), entry by entry; torch's own takes no whole numbers, such as class numbers."""
    return functional.softplus(real(value), threshold=FAR)
