"""What a causal network keeps between the steps of a draw.

A draw computes the network at one step after the other, with all earlier steps final. A network
with a memory then computes that step alone, from what it kept of the earlier ones.
"""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor


class Memory:
    """The number of the step that a draw is at, and values [..., steps, size] of its parts.

    A step may pass through the network several times, as with two contexts. Each pass, in the order
    of a step, has values of its own.
    """

    def __init__(self) -> None:
        self.step = 0
        self._kept: dict[tuple[object, int], Tensor] = {}
        self._passes: Counter[object] = Counter()

    def extended(self, part: object, value: Tensor) -> Tensor:
        """The values of `part` up to this step, [..., step + 1, size]; `value` is the last."""
        place = (part, self._passes[part])
        self._passes[part] += 1
        if self.step:
            value = torch.cat([self._kept[place], value], -2)
        self._kept[place] = value
        return value

    def next_step(self) -> None:
        """Goes to the next step."""
        self.step += 1
        self._passes.clear()
