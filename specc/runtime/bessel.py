"""The logarithm of the modified Bessel function I_0, whose derivative does not cancel.

With A(k) = I_1(k) / I_0(k), the derivative of log(e^-k I_0(k)) is A(k) - 1, about -1 / (2 k) for
large k, where A is 1 up to rounding. 1 - A is computed as the quotient of two means over angles t,
which are sums of positive numbers (Abramowitz and Stegun 1964, 9.6.16 and 9.6.19):

    e^-k (I_0 - I_1) = mean of e^(-k (1 - cos t)) (1 - cos t)
    e^-k I_0 = mean of e^(-k (1 - cos t))

The trapezoid rule of N angles has an error of I_N(k) e^-k. For k > `FAR` 1 - A is its series in
1 / k.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

FAR = 30.0
HALF = 24
"""Half the number of angles: I_48(30) e^-30 is 2e-16 of the sums."""

# 1 - A(k) = 1 / 2k + 1 / 8k^2 + ..., from A' = 1 - A^2 - A / k.
_TERMS = 24


def log_i0e(k: Tensor) -> Tensor:
    """log(e^-k I_0(k)), k >= 0."""
    found: Tensor = _LogI0e.apply(k)  # type: ignore[no-untyped-call]
    return found


def shortfall(k: Tensor) -> Tensor:
    """1 - I_1(k) / I_0(k), k >= 0, differentiable."""
    far = k > FAR
    near, large = torch.where(far, 1.0, k), torch.where(far, k, FAR)
    return torch.where(far, _series(large), _quadrature(near))


class _LogI0e(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(k: Tensor) -> Tensor:
        scaled: Tensor = torch.special.i0e(k)
        return scaled.log()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ANN401
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # noqa: ANN401
        (k,) = ctx.saved_tensors
        return -grad * shortfall(k)


def _quadrature(k: Tensor) -> Tensor:
    """By the trapezoid rule over half of the circle, whose ends count half."""
    above, below = torch.zeros_like(k), torch.zeros_like(k)
    for j in range(HALF + 1):
        drop = 2 * math.sin(0.5 * math.pi * j / HALF) ** 2
        weight = (0.5 if j in (0, HALF) else 1.0) * (-drop * k).exp()
        above, below = above + drop * weight, below + weight
    return above / below


def _coefficients() -> list[float]:
    """Those of 1 / k, 1 / k^2, ... in s = 1 - A: the equation is s' = s^2 - 2 s + (1 - s) / k.

    The coefficient of k^-n gives s_n from earlier ones:
    2 s_n = (n - 1) s_(n - 1) - s_(n - 1) + sum_(i + j = n) s_i s_j, and s_1 = 1 / 2.
    """
    s = [0.0, 0.5]
    for n in range(2, _TERMS + 1):
        products = sum(s[i] * s[n - i] for i in range(1, n))
        s.append(0.5 * ((n - 2) * s[n - 1] + products))
    return s[1:]


_SERIES = _coefficients()


def _series(k: Tensor) -> Tensor:
    inverse = k.reciprocal()
    total = torch.zeros_like(k)
    for coefficient in reversed(_SERIES):
        total = (total + coefficient) * inverse
    return total
