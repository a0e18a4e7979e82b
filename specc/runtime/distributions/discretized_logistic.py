"""The logistic distribution rounded to integers 0 to bins - 1, entry by entry.

    p(x) = sigmoid((v + h - loc) / scale) - sigmoid((v - h - loc) / scale)
    v = 2 x / (bins - 1) - 1,  h = 1 / (bins - 1)

Bin 0 lies at -1 and the last bin at 1, in the unit of loc and scale; the first bin reaches down to
-inf and the last up to inf, so the bins sum to one. With the 256 values of a pixel as data this is
the likelihood of Kingma et al. (2016, inverse autoregressive flow) and of Salimans et al. (2017,
equation 2). x, loc and scale broadcast; scale > 0; x may be of any number type.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from specc.runtime import number
from specc.runtime.distributions import logistic
from specc.runtime.noise import Noise
from specc.runtime.number import Number

FAR = 100.0
"""The number of scales beyond which a sigmoid is 1 and its slope 0 in every dtype."""


def log_prob(value: Tensor, loc: Number, scale: Number, bins: float = 256) -> Tensor:
    """The log-probability, -inf where value < 0 or value > bins - 1.

    With b and a the upper and lower end of the bin in units of scale, log(s(b) - s(a)) = log s(b) +
    log s(-a) + log(1 - e^(a - b)), s the sigmoid, has no cancellation, and b - a = 2 h / scale does
    not depend on x.
    """
    last = bins - 1
    inside = (value >= 0) & (value <= last)
    x = torch.where(inside, value, 0)
    center = number.minus((2.0 * x - last) / last, loc)
    h = 1 / last
    below, above = x > 0, x < last
    middle, width = number.tensors(center, scale)
    log_p = _log_sigmoid(middle + h, width, above) + _log_sigmoid(h - middle, width, below)
    between = number.tensors(2 * h, width)[0]
    return torch.where(inside, log_p + _log_decay(between, width, below & above), -torch.inf)


def _log_sigmoid(end: Tensor, scale: Tensor, counts: Tensor) -> Tensor:
    """log sigmoid(end / scale); 0, without a gradient, beyond FAR or where `counts` is false."""
    counts = counts & (end < FAR * scale)
    return torch.where(counts, logsigmoid(torch.where(counts, end, 0.0) / scale), 0.0)


def _log_decay(width: Tensor, scale: Tensor, counts: Tensor) -> Tensor:
    """log(1 - e^(-width / scale)); 0, without a gradient, in the same cases."""
    counts = counts & (width < FAR * scale)
    ratio = torch.where(counts, width, 1.0) / torch.where(counts, scale, 1.0)
    return torch.where(counts, (-(-ratio).expm1()).log(), 0.0)


@torch.no_grad()
def sample(
    noise: Noise,
    loc: Number,
    scale: Number,
    bins: float = 256,
    *,
    shape: Sequence[int] | None = None,
) -> Tensor:
    """Integers as floating-point numbers: a logistic variate, rounded to its bin."""
    last = bins - 1
    y = logistic.sample(noise, loc, scale, shape=shape)
    return (0.5 * (y + 1) * last).round().clamp(0, last)


def mean(loc: Number, scale: Number, bins: float = 256) -> Tensor:
    """The mean: the sum over k >= 1 of P(x >= k), which is a sigmoid at the lower end of bin k."""
    last = bins - 1
    center, width = (x.unsqueeze(-1) for x in number.tensors(loc, scale))
    k = torch.arange(1, int(bins), dtype=center.dtype, device=center.device)
    return ((center - (2 * k - 1 - last) / last) / width).sigmoid().sum(-1)
