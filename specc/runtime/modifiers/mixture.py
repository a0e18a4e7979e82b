"""A mixture of one distribution with several values of its parameters.

    log p(x) = logsumexp_i (log w_i + log p_base(x; parameters_i)),  w = softmax(mixture_logits)

mixture_logits [..., k]; each parameter of the base has an axis of k components before the axes of
its event. Bishop (2006), section 9.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime.modifiers.modified import Modified
from specc.runtime.noise import Noise
from specc.runtime.number import Number


class Mixture(Modified):
    """`Mixture(normal)`, a distribution with the parameters mixture_logits, loc, scale."""

    def log_prob(self, value: Tensor, mixture_logits: Tensor, *parameters: Number) -> Tensor:
        """The log-density, -inf where that of every component is."""
        x = value.unsqueeze(-1 - self.rank)
        log_p = self.base.log_prob(x, *parameters) + mixture_logits.log_softmax(-1)
        possible = (log_p > -torch.inf).any(-1)
        total = torch.where(possible.unsqueeze(-1), log_p, 0.0).logsumexp(-1)
        return torch.where(possible, total, -torch.inf)

    @torch.no_grad()
    def sample(
        self,
        noise: Noise,
        mixture_logits: Tensor,
        *parameters: Number,
        shape: Sequence[int] | None = None,
    ) -> Tensor:
        """A draw of every component, of which a categorical one is kept."""
        drawn = self._each(noise, shape, mixture_logits, parameters)
        axis = drawn.dim() - self.rank - 1
        leading, event = drawn.shape[:axis], drawn.shape[axis + 1 :]
        index = noise.categorical(mixture_logits, leading)
        index = index.reshape(*leading, *(1,) * (self.rank + 1)).expand(*leading, 1, *event)
        return drawn.gather(axis, index).squeeze(axis)

    def drawn(self, *parameters: Number) -> torch.Size:
        """The shape of draws, without the axis of components."""
        return super().drawn(*parameters)[:-1]

    def _each(
        self,
        noise: Noise,
        shape: Sequence[int] | None,
        logits: Tensor,
        parameters: tuple[Number, ...],
    ) -> Tensor:
        """Independent draws of all components; the leading axes are those of all parameters."""
        k = logits.shape[-1]
        if shape is not None:
            split = len(shape) - self.rank
            return self.base.sample(noise, *parameters, shape=(*shape[:split], k, *shape[split:]))
        if not self.rank:
            return self.base.sample(noise, *parameters, shape=super().drawn(logits, *parameters))
        drawn = self.base.sample(noise, *parameters)  # one for its own parameters
        split = drawn.dim() - self.rank - 1
        leading = torch.broadcast_shapes(drawn.shape[:split], logits.shape[:-1])  # type: ignore[no-untyped-call]
        if leading == drawn.shape[:split]:
            return drawn
        return self.base.sample(noise, *parameters, shape=(*leading, *drawn.shape[split:]))

    def mean(self, mixture_logits: Tensor, *parameters: Number) -> Tensor:
        """The mean, sum_i w_i mean_i."""
        weights = mixture_logits.softmax(-1)
        weights = weights.reshape(*weights.shape, *(1,) * self.rank)
        return (weights * self.base.mean(*parameters)).sum(-1 - self.rank)
