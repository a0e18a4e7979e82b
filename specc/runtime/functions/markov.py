"""The forward algorithm: marginalization of the states of Markov chains, step by step.

    alpha_t(j) = sum over i of alpha_{t-1}(i) pair_t(i, j) single_t(j)

(Rabiner 1989, A tutorial on hidden Markov models, equations 19 to 21). For K states and T steps it
takes time in K^2 T. The gradient of log Z with respect to the terms of a step is the marginal
probability of its states. Backwards from the last step,

    p(i at t-1 | j at t) = exp(alpha_{t-1}(i) + pair_t(i, j) - log sum over i of the same)
    p(i at t-1)          = sum over j of p(i at t-1 | j at t) p(j at t)

(equations 26, 27, 37 of the same). Conditional probabilities of many steps are computed at once;
all are between 0 and 1, so rounding errors stay small.

If all rows have the same transitions, a step is a matrix product of scaled alphas. With e_t =
exp(alpha_t - max alpha_t) and P = exp(pair), the sums over the previous state are

    s_{t+1} = e_t P,   alpha_{t+1} = log s_{t+1} + max alpha_t + single_{t+1}

and smoothing is p_{t-1} = e_{t-1} (P (p_t / s_t)). Entries of e_t and P that underflow count as 0.
The error of every sum is then less than K times the smallest normal number, so the result is exact
up to rounding if every sum is much larger. Otherwise `scaled_forward` returns None, and the sums
are computed in logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from specc.runtime.draws.enumeration import selected
from specc.runtime.noise import Noise

AT_ONCE = 1 << 18
"""The number of conditional probabilities that are computed at once, so that they fit a cache."""


class LogForward(torch.autograd.Function):
    """log Z from the terms of each step; the axis of the state, `axis` < 0, remains with size 1.

    `pairs` is [steps, ..., before, state, ..., rows], `singles` [steps, ..., 1, state, ..., rows],
    of equal rank; their other axes broadcast, and `pairs` may have one step for all. Where `masks`
    [steps, ..., rows] is 0 a chain has no step. The first step has no previous state, so `pairs` of
    that step must be the same for all previous states.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        pairs: Tensor,
        singles: Tensor,
        masks: Tensor | None,
        axis: int,
    ) -> Tensor:
        """The forward recursion over all steps."""
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
        """The marginal probabilities of states and pairs of states, times `grad`."""
        pairs, alphas, entered, total, masks = ctx.saved_tensors
        axis = ctx.axis
        here = (alphas[-1] - _finite(total)).exp() * grad
        of_pairs, of_states = torch.zeros_like(pairs), torch.empty_like(entered)
        for steps in _chunks(len(entered), alphas[0].numel() * alphas.shape[axis]):
            selected = pairs[steps] if len(pairs) > 1 else pairs
            moved = alphas[steps].transpose(axis - 1, axis) + selected
            given = moved.sub_(_finite(entered[steps])).exp_()
            for t in reversed(range(steps.start, steps.stop)):
                is_step = None if masks is None else masks[t] > 0
                of_states[t] = here if is_step is None else here * is_step
                before = (given[t - steps.start] * here).sum(axis, keepdim=True)
                before = before.transpose(axis - 1, axis)
                here = before if is_step is None else torch.where(is_step, before, here)
            joint = given.mul_(of_states[steps]).sum_to_size(selected.shape)
            of_pairs[steps if len(pairs) > 1 else slice(None)] += joint
        return of_pairs, of_states.sum_to_size(ctx.shape), None, None


def _finite(x: Tensor) -> Tensor:
    """x, with -inf, the logarithm of a sum of zeros, replaced by 0, so that no inf - inf occurs."""
    return torch.where(x == -math.inf, 0.0, x)


def _chunks(steps: int, size: int) -> Iterator[slice]:
    """Ranges of steps from the last to the first, of at most AT_ONCE numbers, `size` a step."""
    width = max(1, AT_ONCE // size)
    for stop in range(steps, 0, -width):
        yield slice(max(0, stop - width), stop)


def scaled_forward(pairs: Tensor, singles: Tensor, masks: Tensor | None) -> Tensor | None:
    """log Z [rows] of `pairs` [steps or 1, before, state] and `singles` [steps, rows, state].

    Where `masks` [steps, rows, 1] is 0 a row has no step. The result is None if a sum underflows.
    """
    total, least = ScaledForward.apply(pairs, singles, masks)  # type: ignore[no-untyped-call]
    kind = torch.finfo(singles.dtype)
    found: Tensor = total
    return found if least > singles.shape[-1] * kind.tiny / kind.eps else None


class ScaledForward(torch.autograd.Function):
    """log Z by scaled alphas, and the smallest of all sums over the previous state."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        pairs: Tensor,
        singles: Tensor,
        masks: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """The forward recursion over all steps."""
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
        """The marginal probabilities of states and pairs of states, times `grad`."""
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


def forward_algorithm(
    log_pair: Tensor,
    log_single: Tensor | None,
    axis: int,
    mask: Tensor | None = None,
    reverse: bool = False,
) -> Tensor:
    """The logarithm of the sum over all sequences of states: [..., rows].

    `log_pair` [..., state before, state, ..., rows, steps] and `log_single` [..., state, ..., rows,
    steps] are the terms of each step; axes of size 1 broadcast. Without `log_single` its terms are
    0. `axis` < 0 is the axis of the state, and the axis left of it that of the previous state. The
    first step has no previous state, so `log_pair` of that step must be the same for all previous
    states. Where `mask` is 0 a row has no step. With `reverse` the chain runs from the last step to
    the first. In the result both axes have size 1.
    """
    if log_single is None:
        log_single = torch.zeros_like(log_pair.narrow(axis - 1, 0, 1))
    rank = max(log_pair.ndim, log_single.ndim)
    pairs, singles = (steps_first(x, rank) for x in (log_pair, log_single))
    pairs = _expand_states(pairs, singles.shape[axis + 1], axis + 1)
    singles = singles.expand(max(len(singles), len(pairs)), *singles.shape[1:])
    masks = None if mask is None else steps_first(mask, mask.ndim)
    if masks is not None:  # rows may differ in their length alone
        singles = singles.expand(*singles.shape[:-1], masks.shape[-1])
    if reverse:
        pairs, singles = pairs.flip(0), singles.flip(0)
        masks = None if masks is None else masks.flip(0)
    if _is_traced(pairs, singles):
        return _traced(pairs, singles, masks, axis + 1)
    found = _shared(pairs, singles, masks, axis + 1)
    if found is not None:
        return found
    total: Tensor = LogForward.apply(pairs, singles, masks, axis + 1)  # type: ignore[no-untyped-call]
    return total


def sample_states(
    noise: Noise,
    log_pair: Tensor | None,
    log_single: Tensor | None,
    values: Tensor,
    axis: int,
    mask: Tensor | None = None,
    reverse: bool = False,
) -> Tensor:
    """A draw of the states of each row given all its data: [rows, steps, *event].

    The arguments are those of `forward_algorithm`, without axes of other latents, and `values`
    [states, ..., *event] are those of the states. Backwards from the last step each state is drawn
    given the next one (forward filtering, backward sampling; Carter and Kohn 1994, section 2).
    """
    given = log_single if log_single is not None else log_pair
    assert given is not None
    rank = max(x.ndim for x in (log_pair, log_single) if x is not None)
    zero = given.new_zeros((1,) * rank)
    pair, single = (
        zero if x is None else x[(None,) * (rank - x.ndim)] for x in (log_pair, log_single)
    )
    states = max(pair.shape[axis], single.shape[axis])
    rows, steps = (
        max(x.shape[i] for x in (pair, single, *(() if mask is None else (mask,))))
        for i in (-2, -1)
    )
    pairs = pair.reshape(*pair.shape[axis - 1 : axis + 1 or None], *pair.shape[-2:])
    pairs = pairs.expand(states, states, -1, steps).movedim(-1, 0)
    singles = single.reshape(single.shape[axis], *single.shape[-2:])
    singles = singles.expand(states, rows, steps).movedim(-1, 0)
    order = list(reversed(range(steps))) if reverse else list(range(steps))
    alpha, alphas = torch.full_like(singles[0], -math.log(states)), []
    for t in order:
        after = torch.logsumexp(alpha[:, None] + pairs[t], 0) + singles[t]
        alpha = after if mask is None else torch.where(mask[:, t] > 0, after, alpha)
        alphas.append(alpha)
    drawn = [noise.categorical(alphas[-1].mT)]
    for alpha, t in zip(alphas[-2::-1], order[:0:-1], strict=True):
        index = drawn[-1].expand(states, 1, -1)
        log_p = alpha + pairs[t].expand(-1, -1, rows).gather(1, index).squeeze(1)
        log_p = log_p if mask is None else torch.where(mask[:, t] > 0, log_p, alpha)
        drawn.append(noise.categorical(log_p.mT))
    found = torch.stack(drawn if reverse else drawn[::-1], -1)
    return selected(values, found, axis)


def _is_traced(*terms: Tensor) -> bool:
    """Whether torch records the operations, or applies them to several positions at once.

    Neither can be done with a branch that depends on values, nor with `LogForward`.
    """
    if torch.compiler.is_compiling():  # torch compiles `LogForward`, and not the question below
        return False
    kinds = torch._C._TorchDispatchModeKey
    if torch._C._get_dispatch_mode(kinds.PROXY) is not None:
        return True
    return any(map(torch._C._functorch.is_functorch_wrapped_tensor, terms))


def _traced(pairs: Tensor, singles: Tensor, masks: Tensor | None, axis: int) -> Tensor:
    """What `LogForward` computes, of few operations that torch differentiates.

    The alphas of each step are divided by their sum, and the largest term of a step is removed from
    `singles`. A sum that is smaller than the precision of the smallest numbers counts as 0.
    """
    steps, states, tiny = len(singles), singles.shape[axis], torch.finfo(singles.dtype)
    largest = _finite(singles.detach().amax(axis, keepdim=True))
    emitted, moves = (singles - largest).exp().unbind(0), pairs.exp()
    alpha = torch.full_like(emitted[0] + moves[0].narrow(axis - 1, 0, 1), 1.0 / states)
    sums = []
    for t, move in enumerate(moves.expand(steps, *moves.shape[1:]).unbind(0)):
        after = (alpha.transpose(axis - 1, axis) * move).sum(axis - 1, keepdim=True) * emitted[t]
        total = after.sum(axis, keepdim=True)
        after = after / total
        if masks is not None:
            after = torch.where(masks[t] > 0, after, alpha)
            total = torch.where(masks[t] > 0, total, 1.0)
        alpha = after
        sums.append(total)
    found = torch.stack(sums)
    exact = torch.where(found > tiny.tiny / tiny.eps, found.log(), -math.inf) + largest
    return (exact if masks is None else torch.where(_as(masks, exact) > 0, exact, 0.0)).sum(0)


def _as(masks: Tensor, x: Tensor) -> Tensor:
    """Masks [steps, ..., rows] with axes of size 1 after that of the steps, for the rank of x."""
    return masks[(slice(None), *(None,) * (x.ndim - masks.ndim))]


def _shared(pairs: Tensor, singles: Tensor, masks: Tensor | None, axis: int) -> Tensor | None:
    """The result by matrix products, if `pairs` depends on steps and states alone; else None."""
    states, steps = singles.shape[axis], len(singles)
    if torch.compiler.is_compiling():  # a graph has no branch that depends on values
        return None
    if pairs.numel() != len(pairs) * states**2 or singles.shape[axis - 1] > 1:
        return None
    inner = singles.movedim(axis, -1)
    shape = inner.shape[1:-1]
    if masks is not None:
        masks = _as(masks, inner[..., 0])
        masks = masks.expand(steps, *shape).reshape(steps, -1, 1)
    flat = pairs.reshape(len(pairs), states, states)
    found = scaled_forward(flat, inner.reshape(steps, -1, states), masks)
    return None if found is None else found.reshape(shape).unsqueeze(axis)


def _expand_states(pairs: Tensor, states: int, axis: int) -> Tensor:
    """`pairs`, expanded to `states` along the axes of the previous state and of the state."""
    sizes = [-1] * pairs.ndim
    sizes[axis - 1] = sizes[axis] = states
    return pairs.expand(sizes)


def steps_first(x: Tensor, rank: int) -> Tensor:
    """x [..., rows, steps] as [steps, ..., rows], contiguous, with `rank` axes."""
    return x[(None,) * (rank - x.ndim)].movedim(-1, 0).contiguous()
