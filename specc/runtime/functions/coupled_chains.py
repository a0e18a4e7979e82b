"""The forward algorithm for several Markov chains under one density, state by state.

With M chains of K states a step sums over the previous state of one chain after the other,

    alpha_t(j_1..j_M) = single_t(j_1..j_M) sum over i_M of pair_M(i_M, j_M) ...
                        sum over i_1 of pair_1(i_1, j_1) alpha_{t-1}(i_1..i_M)

which takes time in M K^(M + 1), that of one chain of K^M states in K^(2 M) (Ghahramani and Jordan
1997, Factorial hidden Markov models, appendix B). For few tuples of states the latter is faster. A
pair may depend on other chains, too: a sum over i_m then covers all of them. Values without a
previous one, such as the component of a mixture at each step, are summed out within their step.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from specc.runtime.draws.enumeration import sample_index, selected
from specc.runtime.functions.markov import forward_algorithm, steps_first
from specc.runtime.noise import Noise

MOST_TUPLES = 64
"""The number of tuples of states up to which one chain of tuples is faster, by measurement."""

LEAST = -1e30
"""Stands for -inf in the terms of steps, since the derivative of a log of zeros is not defined.

Its exponential is 0 beside any other term, and sums over many steps stay finite."""


def joint_forward_algorithm(
    log_pairs: Sequence[Tensor],
    log_single: Tensor | None,
    axes: Sequence[int],
    alone: Sequence[int] = (),
    mask: Tensor | None = None,
    reverse: bool = False,
) -> Tensor:
    """The logarithm of the sum over all sequences of states of several chains: [..., rows].

    `axes` < 0 are those of the states of the chains, and the axis left of each is that of its
    previous state; `alone` are those of values without a previous one. The terms of each step,
    `log_pairs` and `log_single`, are [..., rows, steps], where axes of size 1 broadcast; only those
    in `log_pairs` depend on previous states. The first step has no previous states, so its terms
    must be the same for all of them. Where `mask` is 0 a row has no step. With `reverse` the chains
    run from the last step to the first. In the result all axes of states have size 1.
    """
    pairs, single = list(log_pairs), log_single
    for axis in alone:
        pairs, single = _without(pairs, single, axis, axes)
    if len(axes) == 1:
        return forward_algorithm(_sum(pairs), single, axes[0], mask, reverse)
    if _is_small(pairs, axes):
        return _of_tuples(pairs, single, axes, mask, reverse)
    chains = _Chains(pairs, single, axes, (), mask, reverse)
    alpha = chains.start()
    for t in range(chains.steps):
        alpha = chains.after(alpha, t)
    total = torch.logsumexp(alpha, chains.axes, keepdim=True)
    return torch.where(total > LEAST / 2, total, -math.inf)


def _is_small(pairs: Sequence[Tensor], axes: Sequence[int]) -> bool:
    """Whether the chains have few tuples of states, and moves that all rows share."""
    tuples = math.prod([max([_size(pair, axis) for pair in pairs]) for axis in axes])
    states = [place for axis in axes for place in (axis - 1, axis)]
    own = [pair.shape[-1] * math.prod([_size(pair, each) for each in states]) for pair in pairs]
    return tuples <= MOST_TUPLES and own == [pair.numel() for pair in pairs]


def _of_tuples(
    pairs: Sequence[Tensor],
    single: Tensor | None,
    axes: Sequence[int],
    mask: Tensor | None,
    reverse: bool,
) -> Tensor:
    """The sum over the states of one chain whose states are the tuples."""
    pair = _sum(pairs)
    rank = max(pair.ndim, 0 if single is None else single.ndim)
    count = [max(_size(pair, axis), _size(pair, axis - 1)) for axis in axes]
    states = [rank + place for place in (*(axis - 1 for axis in axes), *axes)]
    others = [place for place in range(rank - 2) if place not in states]
    order, many = (*others, *states, rank - 2, rank - 1), len(axes)

    def joined(x: Tensor, before: Sequence[int]) -> Tensor:
        moved = x[(None,) * (rank - x.ndim)].permute(order)
        lead, end = moved.shape[: len(others)], moved.shape[-2:]
        moved = moved.expand(*lead, *before, *count, *end)
        return moved.reshape(*lead, math.prod(before), math.prod(count), *end)

    one = None if single is None else joined(single, [1] * many)
    total = forward_algorithm(joined(pair, count), one, -3, mask, reverse).squeeze((-3, -2))
    for place in sorted(states):
        total = total.unsqueeze(place)
    return total


def sample_joint_states(
    noise: Noise,
    log_pairs: Sequence[Tensor],
    log_single: Tensor | None,
    values: Sequence[Tensor],
    axes: Sequence[int],
    alone: Sequence[int] = (),
    mask: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, ...]:
    """Draws of the states of all chains of each row given its data: [rows, steps, *event] each.

    The arguments are those of `joint_forward_algorithm`, without axes of other latents, and
    `values`, one for each axis in `axes` and then in `alone`, are [states, ..., *event]. Backwards
    from the last step the states of all chains are drawn together given the next ones.
    """
    chains = _Chains(log_pairs, log_single, axes, alone, mask, reverse)
    alphas = [chains.start()]
    for t in range(chains.steps):
        alphas.append(chains.after(alphas[-1], t))
    drawn = [sample_index(noise, alphas[-1], chains.every)]
    for t in range(chains.steps - 1, 0, -1):
        log_p = alphas[t] + chains.entering(drawn[-1], t)
        drawn.append(sample_index(noise, log_p, chains.every))
    found = []
    for place, (value, axis) in enumerate(zip(values, (*axes, *alone), strict=True)):
        states = [each[place] for each in drawn]
        index = torch.stack(states if reverse else states[::-1], -1)
        found.append(selected(value, index, axis))
    return tuple(found)


class _Chains:
    """The terms of all steps in the order of the chains, with the axis of steps as the first.

    `every` has the axes of all states at a step, and `axes` those with a previous state.
    """

    def __init__(
        self,
        log_pairs: Sequence[Tensor],
        log_single: Tensor | None,
        axes: Sequence[int],
        alone: Sequence[int],
        mask: Tensor | None,
        reverse: bool,
    ) -> None:
        terms = [*log_pairs, *(() if log_single is None else (log_single,))]
        rank = max([x.ndim for x in terms])
        first = [steps_first(x.clamp_min(LEAST), rank) for x in terms]
        masks = None if mask is None else steps_first(mask, mask.ndim)
        self.steps = max([len(x) for x in (*first, *(() if masks is None else (masks,)))])
        if reverse:
            first = [x.flip(0) for x in first]
            masks = None if masks is None else masks.flip(0)
        every = [x.expand(self.steps, *x.shape[1:]).unbind(0) for x in first]
        self.pairs, self.singles = every[: len(log_pairs)], every[len(log_pairs) :]
        self.masks, self.like = masks, first[0][0]
        self.axes, self.alone = [axis + 1 for axis in axes], [axis + 1 for axis in alone]
        self.every = [*self.axes, *self.alone]
        self.rows = max([x.shape[-1] for x in (*first, *(() if masks is None else (masks,)))])

    def _states(self, axis: int) -> int:
        return max([x[0].shape[axis] for x in (*self.pairs, *self.singles)])

    def start(self) -> Tensor:
        """Equal probabilities of all previous states: the first step does not depend on them."""
        shape = [1] * self.like.ndim
        for axis in self.axes:
            shape[axis] = self._states(axis)
        shape[-1] = self.rows
        return self.like.new_full(shape, -math.log(math.prod([shape[axis] for axis in self.axes])))

    def after(self, alpha: Tensor, t: int) -> Tensor:
        """alpha of a step from that of the step before."""
        for axis in self.alone:
            alpha = torch.logsumexp(alpha, axis, keepdim=True)
        entered, pending = alpha, [pair[t] for pair in self.pairs]
        for axis in self.axes:
            entered = entered.transpose(axis - 1, axis)
        for axis in self.axes:
            taken = [pair for pair in pending if pair.shape[axis - 1] > 1]
            pending = [pair for pair in pending if pair.shape[axis - 1] == 1]
            entered = torch.logsumexp(_sum([entered, *taken]), axis - 1, keepdim=True)
        found = _sum([entered, *pending, *(single[t] for single in self.singles)])
        if self.masks is None:
            return found
        spread = math.prod([found.shape[axis] for axis in self.alone])
        return torch.where(self.masks[t] > 0, found, alpha - math.log(spread))

    def entering(self, states: Sequence[Tensor], t: int) -> Tensor:
        """The terms of drawn states [rows] at step t, for all states at the step before."""
        total = self.like.new_zeros((1,) * self.like.ndim)
        for pair in (pair[t] for pair in self.pairs):
            own = pair.expand(*pair.shape[:-1], self.rows)
            for axis, index in zip(self.every, states, strict=True):
                if own.shape[axis] > 1:
                    shape = [1] * own.ndim
                    shape[-1] = self.rows
                    own = torch.take_along_dim(own, index.view(shape), axis)
            total = total + own
        for axis in self.axes:
            total = total.transpose(axis - 1, axis)
        return total if self.masks is None else torch.where(self.masks[t] > 0, total, 0.0)


def _without(
    pairs: Sequence[Tensor], single: Tensor | None, axis: int, axes: Sequence[int]
) -> tuple[list[Tensor], Tensor | None]:
    """Terms of all steps with the values along an axis summed out."""
    rest = [pair for pair in pairs if _size(pair, axis) == 1]
    own = [pair for pair in pairs if _size(pair, axis) > 1]
    if single is not None and (_size(single, axis) > 1 or own):
        own, single = [*own, single], None
    total = torch.logsumexp(_sum(own).clamp_min(LEAST), axis, keepdim=True)
    if any(_size(total, each - 1) > 1 for each in axes):
        return [*rest, total], single
    return rest, total if single is None else single + total


def _size(x: Tensor, axis: int) -> int:
    """The size of an axis, 1 if it is absent at the left."""
    return x.shape[axis] if -axis <= x.ndim else 1


def _sum(terms: Iterable[Tensor]) -> Tensor:
    """The sum of at least one term."""
    first, *rest = terms
    for term in rest:
        first = first + term
    return first
