"""Values of a distribution of which some are known only by a bound.

With F the distribution function of the base, log p is

    event = 1   log p_base(x)               the value is x
    event = 0   log(1 - F(x))               it is above x: right-censored
    event = 2   log F(x)                    it is at most x: left-censored
    event = 3   log(F(until) - F(x))        it is between x and `until`: interval-censored

Klein and Moeschberger (2003), section 3.5. Draws and means are those of the base: values that
nothing censors.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.modifiers.interval import log_between, tails
from specc.runtime.modifiers.modified import Modified
from specc.runtime.noise import Noise
from specc.runtime.number import Number


class Censored(Modified):
    """`Censored(weibull)`, with the parameters event, until, scale, concentration."""

    own = 2

    def log_prob(self, value: Tensor, event: Number, until: Number, *parameters: Number) -> Tensor:
        """The log-density or the log-probability, by `event`."""
        code = number.tensor(event)
        below, above = self.base.tails(value, *parameters)
        log_p = torch.where(code == 1, self.base.log_prob(value, *parameters), above)
        log_p = torch.where(code == 2, below, log_p)
        end = torch.where(code == 3, number.tensors(until, value)[0], torch.inf)
        between = log_between((below, above), tails(self.base, end, value, parameters))
        return torch.where(code == 3, between, log_p)

    @torch.no_grad()
    def sample(
        self,
        noise: Noise,
        event: Number,
        until: Number,
        *parameters: Number,
        shape: Sequence[int] | None = None,
    ) -> Tensor:
        """A draw of the base, of the given shape or that of the parameters."""
        size = self.drawn(event, until, *parameters) if shape is None else shape
        return self.base.sample(noise, *parameters, shape=size)

    def mean(self, event: Number, until: Number, *parameters: Number) -> Tensor:
        """The mean of the base, in the shape of the parameters."""
        return number.broadcast(self.base.mean(*parameters), event, until)
