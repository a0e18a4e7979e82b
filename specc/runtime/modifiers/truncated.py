"""A distribution given that its value is in an interval.

    log p(x) = log p_base(x) - log(F(upper) - F(lower)),  lower <= x <= upper

F is the distribution function of the base. If the values are integers, F(lower) is replaced by
F(n - 1), n the least integer that is not below `lower`. Johnson, Kotz and Balakrishnan (1994),
section 10.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.modifiers.interval import (
    LOG_HALF,
    log_above,
    log_below,
    log_between,
    log_minus,
)
from specc.runtime.modifiers.modified import Modified
from specc.runtime.noise import Noise
from specc.runtime.number import Number


class Truncated(Modified):
    """`Truncated(normal)`, a distribution with the parameters lower, upper, loc, scale."""

    own = 2

    def log_prob(self, value: Tensor, lower: Number, upper: Number, *parameters: Number) -> Tensor:
        """The log-density, -inf outside [lower, upper]."""
        inside = (value >= lower) & (value <= upper)
        log_p = self.base.log_prob(value, *parameters)
        log_p = log_p - log_between(self.base, self._start(lower, value), upper, value, parameters)
        return torch.where(inside, log_p, -torch.inf)

    def rsample(
        self,
        noise: Noise,
        lower: Number,
        upper: Number,
        *parameters: Number,
        shape: Sequence[int] | None = None,
    ) -> Tensor:
        """Draw the x for which (F(x) - F(lower)) / (F(upper) - F(lower)) is uniform on (0, 1).

        The gradient in the parameters and the ends is the implicit one (Figurnov, Mohamed and Mnih
        2018, equation 5). It is computed from the tail in which the lower end is.
        """
        size = self.drawn(lower, upper, *parameters) if shape is None else shape
        u = noise.uniform(size)
        u = u.clamp_min(torch.finfo(u.dtype).eps / 4)
        x = self._quantile(u, self._start(lower, u), upper, parameters)
        x = x.clamp(*(number.tensors(end, x)[0] for end in self._ends(lower, upper)))
        if not torch.is_grad_enabled():
            return x
        share = self._log_share(x, lower, upper, parameters)
        slope = self.log_prob(x, lower, upper, *parameters).detach()
        step = (share.detach() - slope).exp() * (share - share.detach())
        return x - torch.where(self._is_low(lower, x, parameters), step, -step)

    @torch.no_grad()
    def sample(
        self,
        noise: Noise,
        lower: Number,
        upper: Number,
        *parameters: Number,
        shape: Sequence[int] | None = None,
    ) -> Tensor:
        """A draw without gradient, of the given shape or that of the parameters."""
        return self.rsample(noise, lower, upper, *parameters, shape=shape)

    def _start(self, lower: Number, like: Tensor) -> Number:
        """The value above which the values are: of integers, the last one below the lower end."""
        return number.tensors(lower, like)[0].ceil() - 1 if self.counts else lower

    def _ends(self, lower: Number, upper: Number) -> tuple[Number, Number]:
        """The least and the largest value."""
        if not self.counts:
            return lower, upper
        return number.tensor(lower).ceil(), number.tensor(upper).floor()

    @torch.no_grad()
    def _quantile(
        self, u: Tensor, lower: Number, upper: Number, parameters: tuple[Number, ...]
    ) -> Tensor:
        """The value below which a share u of the interval is, or 1 - u if the tail is above."""
        log_mass = log_between(self.base, lower, upper, u, parameters) + u.log()
        log_p = torch.logaddexp(log_below(self.base, lower, u, parameters), log_mass)
        log_q = torch.logaddexp(log_above(self.base, upper, u, parameters), log_mass)
        is_low = self._is_low(lower, u, parameters)
        nearest = -torch.finfo(u.dtype).tiny
        log_p, log_q = log_p.clamp_max(nearest), log_q.clamp_max(nearest)
        below = torch.where(is_low, log_p, number.log1m_exp(log_q))
        above = torch.where(is_low, number.log1m_exp(log_p), log_q)
        return self.base.quantile(below, above, *parameters)

    def _log_share(
        self, x: Tensor, lower: Number, upper: Number, parameters: tuple[Number, ...]
    ) -> Tensor:
        """log of P(X <= x) in the interval, or of P(X > x) if the lower end is above the median."""
        low = log_minus(
            self.base.log_cdf(x, *parameters), log_below(self.base, lower, x, parameters)
        )
        high = log_minus(
            self.base.log_survival(x, *parameters), log_above(self.base, upper, x, parameters)
        )
        log_mass = log_between(self.base, lower, upper, x, parameters)
        return torch.where(self._is_low(lower, x, parameters), low, high) - log_mass

    def _is_low(self, lower: Number, like: Tensor, parameters: tuple[Number, ...]) -> Tensor:
        """Whether the lower end is below the median."""
        return log_below(self.base, lower, like, parameters).detach() < LOG_HALF
