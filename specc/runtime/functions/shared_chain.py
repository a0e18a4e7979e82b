"""Sums over the states of chains that move alike in every row: a step is a product of matrices.

With e_t = exp(alpha_t - max alpha_t) and P = exp(pair), the sums over the state before are

    s_{t+1} = e_t P,   alpha_{t+1} = log s_{t+1} + max alpha_t + single_{t+1}

and smoothing, as in `chain`, is p_{t-1} = e_{t-1} (P (p_t / s_t)). An entry of e_t or P that is too
small for its type counts as 0. What is lost by that is less than states x tiny in every sum, so the
result is exact up to rounding where every sum is well above it; where one is not, `shared_chain`
says so, and the sums must be made in logarithms.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def shared_chain(pairs: Tensor, singles: Tensor, masks: Tensor | None) -> Tensor | None:
    """log Z [rows] of `pairs` [steps or 1, before, state] and `singles` [steps, rows, state].

    Where `masks` [steps, rows, 1] is 0 a row has no step. None where a sum is too small.
    """
    total, least = SharedChain.apply(pairs, singles, masks)  # type: ignore[no-untyped-call]
    kind = torch.finfo(singles.dtype)
    found: Tensor = total
    return found if least > singles.shape[-1] * kind.tiny / kind.eps else None


class SharedChain(torch.autograd.Function):
    """log Z, and the least of all sums over the state before."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        pairs: Tensor,
        singles: Tensor,
        masks: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """All steps, in order."""
        moves, states = pairs.exp(), singles.shape[-1]
        alpha = torch.full_like(singles[0], -math.log(states))
        scaled, sums = [], []
        for t, move in enumerate(moves.expand(len(singles), -1, -1).unbind(0)):
            largest = alpha.amax(-1, keepdim=True)
            scaled.append((alpha - largest).exp_())
            sums.append(scaled[t] @ move)
            after = sums[t].log().add_(largest).add_(singles[t])
            alpha = after if masks is None else torch.where(masks[t] > 0, after, alpha)
        total = alpha.logsumexp(-1, keepdim=True)
        entered = torch.stack(sums)
        here = (alpha - total).exp_()
        ctx.save_for_backward(moves, torch.stack(scaled), entered, here, masks)
        least = entered.amin()
        ctx.mark_non_differentiable(least)
        return total.squeeze(-1), least

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor, Tensor, None]:  # noqa: ANN401
        """The probabilities of states, and of pairs of states, times the gradient of log Z."""
        moves, scaled, sums, here, masks = ctx.saved_tensors
        here = here * grad.unsqueeze(-1)
        back = moves.mT.expand(len(sums), -1, -1).unbind(0)
        of_states, shares = torch.empty_like(sums), torch.empty_like(sums)
        for t in reversed(range(len(sums))):
            is_step = None if masks is None else masks[t] > 0
            of_states[t] = here if is_step is None else here * is_step
            share = torch.div(of_states[t], sums[t], out=shares[t])
            before = (share @ back[t]).mul_(scaled[t])
            here = before if is_step is None else torch.where(is_step, before, here)
        if len(moves) > 1:
            return moves * (scaled.mT @ shares), of_states, None
        joint = scaled.flatten(0, 1).mT @ shares.flatten(0, 1)
        return moves * joint, of_states, None
