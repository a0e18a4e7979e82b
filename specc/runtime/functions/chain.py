"""Sums over the states of chains, with their gradient by smoothing.

The gradient of log Z in what a step adds is the probability of the states there. Going back from
the last step,

    p(i at t-1 | j at t) = exp(alpha_{t-1}(i) + pair_t(i, j) - log sum over i of the same)
    p(i at t-1)          = sum over j of p(i at t-1 | j at t) p(j at t)

(Rabiner 1989, A tutorial on hidden Markov models, equations 26, 27, 37). Conditional probabilities
of many steps are made at once, and every one is between 0 and 1, so nothing is lost to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

AT_ONCE = 1 << 18
"""How many conditional probabilities are made at once: few enough for a cache."""


class Chain(torch.autograd.Function):
    """log Z of what each step adds; `axis` is that of the state, from the right, and stays.

    `pairs` is [steps, ..., before, state, ..., rows], `singles` [steps, ..., 1, state, ..., rows],
    of one rank, and otherwise they broadcast; `pairs` may have one step for all. Where `masks`
    [steps, ..., rows] is 0 a chain has no step. Any state may come before the first step: `pairs`
    is the same for all there.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        pairs: Tensor,
        singles: Tensor,
        masks: Tensor | None,
        axis: int,
    ) -> Tensor:
        """All steps, in order."""
        steps, states = singles.shape[0], singles.shape[axis]
        every = pairs.expand(steps, *pairs.shape[1:]).unbind(0)
        alpha = torch.full_like(singles[0] + every[0].narrow(axis - 1, 0, 1), -math.log(states))
        alpha = alpha if masks is None else alpha + 0.0 * masks[0]
        alphas, entered = [alpha], []
        for t, single in enumerate(singles.unbind(0)):
            moved = alpha.transpose(axis - 1, axis) + every[t]
            entered.append(torch.logsumexp(moved, axis - 1, keepdim=True))
            after = entered[t] + single
            alpha = after if masks is None else torch.where(masks[t] > 0, after, alpha)
            alphas.append(alpha)
        total = alpha.logsumexp(axis, keepdim=True)
        ctx.save_for_backward(pairs, torch.stack(alphas), torch.stack(entered), total, masks)
        ctx.axis, ctx.shape = axis, singles.shape
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:  # noqa: ANN401
        """The probabilities of states, and of pairs of states, times the gradient of log Z."""
        pairs, alphas, entered, total, masks = ctx.saved_tensors
        axis = ctx.axis
        here = (alphas[-1] - _finite(total)).exp() * grad
        of_pairs, of_states = torch.zeros_like(pairs), torch.empty_like(entered)
        for steps in _chunks(len(entered), alphas[0].numel() * alphas.shape[axis]):
            taken = pairs[steps] if len(pairs) > 1 else pairs
            moved = alphas[steps].transpose(axis - 1, axis) + taken
            given = moved.sub_(_finite(entered[steps])).exp_()
            for t in reversed(range(steps.start, steps.stop)):
                is_step = None if masks is None else masks[t] > 0
                of_states[t] = here if is_step is None else here * is_step
                before = (given[t - steps.start] * here).sum(axis, keepdim=True)
                before = before.transpose(axis - 1, axis)
                here = before if is_step is None else torch.where(is_step, before, here)
            joint = given.mul_(of_states[steps]).sum_to_size(taken.shape)
            of_pairs[steps if len(pairs) > 1 else slice(None)] += joint
        return of_pairs, of_states.sum_to_size(ctx.shape), None, None


def _finite(x: Tensor) -> Tensor:
    """x, and 0 for a sum of nothing, which has no probability to divide."""
    return torch.where(x == -math.inf, 0.0, x)


def _chunks(steps: int, size: int) -> Iterator[slice]:
    """Ranges of steps from the last to the first, each of few enough numbers."""
    width = max(1, AT_ONCE // size)
    for stop in range(steps, 0, -width):
        yield slice(max(0, stop - width), stop)
