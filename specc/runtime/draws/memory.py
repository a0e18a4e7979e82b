"""What a causal network keeps between the steps of a draw.

A draw calls the network once for each step, with all earlier steps final. A network with a memory
then computes that step alone, from what it kept of the earlier ones.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Memory:
    """The number of the step that a draw is at, and values [..., steps, size] of its parts."""

    def __init__(self) -> None:
        self.step = 0
        self._kept: dict[object, Tensor] = {}

    def extended(self, part: object, value: Tensor) -> Tensor:
        """The values of `part` up to this step, [..., step + 1, size]; `value` is the last.

        A second call in one step replaces the value of the first.
        """
        if self.step:
            value = torch.cat([self._kept[part][..., : self.step, :], value], -2)
        self._kept[part] = value
        return value
