"""The gated recurrent unit (Cho et al. 2014), over any number of leading axes.

    r = sigmoid(W_r x + U_r h),   u = sigmoid(W_u x + U_u h)
    n = tanh(W_n x + r (U_n h)),  h' = (1 - u) n + u h

Equations 5 to 8, with a bias for each map; r multiplies U_n h, as in `torch.nn.GRUCell`, so that
one matrix product computes all three maps of the state.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Gru(nn.Module):
    """The next state [..., size] from the concatenated state and input, [..., size + inputs].

    `of_input` and `of_state` have 3 size outputs each, for r, u and n.
    """

    def __init__(self, of_input: nn.Linear, of_state: nn.Linear) -> None:
        super().__init__()
        self.of_input = of_input
        self.of_state = of_state

    def forward(self, joined: Tensor) -> Tensor:
        """The next state h' of h and x."""
        size = self.of_state.in_features
        h, x = joined[..., :size], joined[..., size:]
        reset_x, update_x, new_x = self.of_input(x).chunk(3, -1)
        reset_h, update_h, new_h = self.of_state(h).chunk(3, -1)
        new = torch.tanh(new_x + torch.sigmoid(reset_x + reset_h) * new_h)
        return new.lerp(h, torch.sigmoid(update_x + update_h))
