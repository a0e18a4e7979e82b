"""An exponential moving average of the weights (Polyak and Juditsky 1992).

    mean_t = k_t mean_(t-1) + (1 - k_t) weights_t,   k_t = min(decay, (1 + t) / (10 + t))

The decay is smaller in the first steps, so that the average forgets the initial weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from specc.engine.distributed import local_part


class EMA:
    """The moving average of the parameters of a program, or of the rows in this process."""

    def __init__(self, program: nn.Module, decay: float) -> None:
        self.decay = decay
        self.live = {name: local_part(p.detach()) for name, p in program.named_parameters()}
        self.mean = {name: p.clone() for name, p in self.live.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Adds the weights after step `step`, counted from 0, to the average."""
        decay = min(self.decay, (1.0 + step) / (10.0 + step))
        torch._foreach_lerp_(list(self.mean.values()), list(self.live.values()), 1.0 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """A context in which the averages are the weights of the program."""
        before = {name: p.clone() for name, p in self.live.items()}
        self._put(self.mean)
        try:
            yield
        finally:
            self._put(before)

    @torch.no_grad()
    def _put(self, values: Mapping[str, Tensor]) -> None:
        for name, parameter in self.live.items():
            parameter.copy_(values[name])
