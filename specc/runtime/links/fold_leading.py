"""Modules with one batch axis, applied over any number of leading axes."""

from __future__ import annotations

import math

from torch import Tensor, nn


class FoldLeading(nn.Module):
    """`module` applied to every event: [..., *event] becomes [N, *event] and back.

    Convolutions and batch normalization have one batch axis. The axes before the event (particles,
    enumerated values, batch) are folded into one, and restored in the result.
    """

    def __init__(self, module: nn.Module, event_rank: int) -> None:
        super().__init__()
        self.module = module
        self.event_rank = event_rank

    def forward(self, x: Tensor) -> Tensor:
        """The output of the module for each event, with the leading axes of `x`."""
        leading = x.shape[: -self.event_rank]
        event = x.shape[-self.event_rank :]
        y: Tensor = self.module(x.reshape(math.prod(leading), *event))
        return y.reshape(*leading, *y.shape[1:])
