"""A running mean of the weights (Polyak and Juditsky 1992), which is often better than the last.

    mean_t = k_t mean_(t-1) + (1 - k_t) weights_t,   k_t = min(decay, (1 + t) / (10 + t))

The first steps keep less, so that the random start is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from specc.engine.distributed import part_of


class Averages:
    """The running mean of the parameters of a program, of as much as this process has."""

    def __init__(self, program: nn.Module, decay: float) -> None:
        self.decay = decay
        self.live = {name: part_of(p.detach()) for name, p in program.named_parameters()}
        self.mean = {name: p.clone() for name, p in self.live.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes in the weights after step `step`, counted from 0."""
        keep = min(self.decay, (1.0 + step) / (10.0 + step))
        torch._foreach_lerp_(list(self.mean.values()), list(self.live.values()), 1.0 - keep)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within it, the program has the means as its weights."""
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
