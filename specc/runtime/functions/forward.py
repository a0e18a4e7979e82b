"""The forward algorithm: the states of a chain summed out of a density, step by step.

    alpha_t(j) = sum over i of alpha_{t-1}(i) pair_t(i, j) single_t(j)

in logarithms (Rabiner 1989, A tutorial on hidden Markov models, equations 19 to 21). For K states
and T steps it takes time and memory in K^2 T.
"""

from __future__ import annotations

import torch
from torch import Tensor


def forward(log_pair: Tensor, log_single: Tensor, axis: int, mask: Tensor | None = None) -> Tensor:
    """The logarithm of the sum over all sequences of states: [..., rows].

    `log_pair` [..., state before, state, ..., rows, steps] and `log_single` [..., state, ..., rows,
    steps] are what each step adds; the axis of the state is `axis`, from the right, and that of the
    state before stands left of it. Before the first step there is one state, so `log_pair` is the
    same there for all of them. Where `mask` is 0 a row has no step. Both axes stay, of size 1.
    """
    pairs, singles = log_pair.unbind(-1), log_single.unbind(-1)
    pairs = pairs if len(pairs) == len(singles) else pairs * len(singles)
    state, masks = axis + 1, mask.unbind(-1) if mask is not None else None
    alpha = pairs[0].narrow(state - 1, 0, 1) + singles[0]
    for t in range(1, len(singles)):
        after = _step(alpha, pairs[t], state) + singles[t]
        alpha = after if masks is None else torch.where(masks[t] > 0, after, alpha)
    return alpha.logsumexp(state, keepdim=True)


def _step(alpha: Tensor, log_pair: Tensor, state: int) -> Tensor:
    """logsumexp over the state before of alpha + log_pair; the state moves to the axis before."""
    moved = alpha.transpose(state - 1, state)
    return torch.logsumexp(moved + log_pair, state - 1, keepdim=True)
