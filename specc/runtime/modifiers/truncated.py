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
from specc.runtime.modifiers.interval import Tails, is_low, log_between, log_minus, tails
from specc.runtime.modifiers.modified import Modified
from specc.runtime.noise import Noise
from specc.runtime.number import Number


class Truncated(Modified):
    """`Truncated(normal)`, a distribution with the parameters lower, upper, loc, scale."""

    own = 2

    def log_prob(self, value: Tensor, lower: Number, upper: Number, *parameters: Number) -> Tensor:
        """The log-density, -inf outside [lower, upper]."""
        inside = (value >= lower) & (value <= upper)
        log_mass = log_between(*self._tails(lower, upper, value, parameters))
        return torch.where(inside, self.base.log_prob(value, *parameters) - log_mass, -torch.inf)

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
        x = self._quantile(u, lower, upper, parameters)
        x = x.clamp(*(number.tensors(end, x)[0] for end in self._ends(lower, upper)))
        if not torch.is_grad_enabled():
            return x
        low, high = self._tails(lower, upper, x, parameters)
        log_mass, starts_low = log_between(low, high), is_low(low)
        log_p, log_q = self.base.tails(x, *parameters)
        part = torch.where(starts_low, log_minus(log_p, low[0]), log_minus(log_q, high[1]))
        share = part - log_mass
        slope = (self.base.log_prob(x, *parameters) - log_mass).detach()
        step = (share.detach() - slope).exp() * (share - share.detach())
        return x - torch.where(starts_low, step, -step)

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

    def _tails(
        self, lower: Number, upper: Number, like: Tensor, parameters: tuple[Number, ...]
    ) -> tuple[Tails, Tails]:
        """The tails of the base at both ends, between which the values are.

        Of integers the lower one is the last that is below the interval.
        """
        start = number.tensors(lower, like)[0].ceil() - 1 if self.counts else lower
        return tails(self.base, start, like, parameters), tails(self.base, upper, like, parameters)

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
        low, high = self._tails(lower, upper, u, parameters)
        log_mass, starts_low = log_between(low, high) + u.log(), is_low(low)
        nearest = -torch.finfo(u.dtype).tiny
        log_p = torch.logaddexp(low[0], log_mass).clamp_max(nearest)
        log_q = torch.logaddexp(high[1], log_mass).clamp_max(nearest)
        below = torch.where(starts_low, log_p, number.log1m_exp(log_q))
        above = torch.where(starts_low, number.log1m_exp(log_p), log_q)
        return self.base.quantile(below, above, *parameters)
