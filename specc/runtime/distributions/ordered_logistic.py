"""The ordered logistic distribution of grades 0 to n.

    p(x) = sigmoid(c_(x + 1) - predictor) - sigmoid(c_x - predictor),  c_0 = -inf,  c_(n + 1) = inf

x [...] has integers of any number type; predictor [...]; cutpoints [..., n] increase; leading axes
broadcast, and the result has no axis of cut points. McCullagh (1980), section 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number


def log_prob(value: Tensor, predictor: Number, cutpoints: Tensor) -> Tensor:
    """The log-probability, -inf where value < 0 or value > n.

    With a and b the ends of the grade and s the sigmoid, log(s(b) - s(a)) is computed as
    log s(b) + log s(-a) + log(1 - e^(a - b)), in which b - a does not depend on the predictor.
    """
    eta, cuts = number.reals(predictor, cutpoints)
    last = cuts.shape[-1]
    size = number.shape(value, eta, cuts[..., 0])
    inside = (value >= 0) & (value <= last)
    x = torch.where(inside, value, 0).long().expand(size)
    cuts = cuts.expand(*size, last)
    below, above = x > 0, x < last
    lower = _at(cuts, x - 1)
    upper = _at(cuts, x)
    log_p = _where(above, upper - eta) + _where(below, eta - lower)
    inner = below & above
    width = torch.where(inner, upper - lower, 1.0)
    return torch.where(
        inside, log_p + torch.where(inner, (-(-width).expm1()).log(), 0.0), -torch.inf
    )


def _at(cuts: Tensor, index: Tensor) -> Tensor:
    """The cut point of that number, or the nearest one that there is."""
    return cuts.gather(-1, index.clamp(0, cuts.shape[-1] - 1).unsqueeze(-1)).squeeze(-1)


def _where(counts: Tensor, x: Tensor) -> Tensor:
    """log sigmoid(x), and 0 where `counts` is false."""
    return torch.where(counts, logsigmoid(torch.where(counts, x, 0.0)), 0.0)


@torch.no_grad()
def sample(
    noise: Noise, predictor: Number, cutpoints: Tensor, *, shape: Sequence[int] | None = None
) -> Tensor:
    """Grades as floating-point numbers: the number of cut points below a logistic variate."""
    size = number.full_shape(shape, predictor, cutpoints[..., 0])
    # The logarithm of the ratio of two exponential variates is logistic.
    e = noise.exponential((2, *size)).log()
    drawn = (predictor + (e[0] - e[1])).unsqueeze(-1)
    return (drawn > cutpoints).sum(-1).to(e.dtype)


def enumerate_values(
    *, classes: int | None, dtype: torch.dtype, device: torch.device | str
) -> Tensor:
    """The grades 0 to n, shape [classes], where classes = n + 1.

    Raises ValueError if `classes` is None.
    """
    if classes is None:
        raise ValueError("the number of grades is not known")
    return torch.arange(classes, dtype=dtype, device=device)
