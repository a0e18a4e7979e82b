"""The forward algorithm: the states of a chain summed out of a density, step by step.

    alpha_t(j) = sum over i of alpha_{t-1}(i) pair_t(i, j) single_t(j)

(Rabiner 1989, A tutorial on hidden Markov models, equations 19 to 21). For K states and T steps it
takes time in K^2 T. Where the chain moves alike in every row a step is a product of matrices
(`shared_chain`), else a sum in logarithms (`chain`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from specc.runtime.functions.chain import Chain
from specc.runtime.functions.shared_chain import shared_chain


def forward(
    log_pair: Tensor,
    log_single: Tensor | None,
    axis: int,
    mask: Tensor | None = None,
    reverse: bool = False,
) -> Tensor:
    """The logarithm of the sum over all sequences of states: [..., rows].

    `log_pair` [..., state before, state, ..., rows, steps] and `log_single` [..., state, ..., rows,
    steps] are what each step adds; an axis of size 1 stands for all. `log_single` may be None, for
    nothing. The axis of the state is `axis`, from the right, and that of the state before stands
    left of it. Before the first step there is one state, so `log_pair` is the same there for all
    of them. Where `mask` is 0 a row has no step. With `reverse` the chain runs from the last step
    to the first. Both axes stay, of size 1.
    """
    if log_single is None:
        log_single = torch.zeros_like(log_pair.narrow(axis - 1, 0, 1))
    rank = max(log_pair.ndim, log_single.ndim)
    pairs, singles = (_steps_first(x, rank) for x in (log_pair, log_single))
    pairs = _of_both(pairs, singles.shape[axis + 1], axis + 1)
    singles = singles.expand(max(len(singles), len(pairs)), *singles.shape[1:])
    masks = None if mask is None else _steps_first(mask, mask.ndim)
    if masks is not None:  # rows of unequal length are told apart, though all else be alike
        singles = singles.expand(*singles.shape[:-1], masks.shape[-1])
    if reverse:
        pairs, singles = pairs.flip(0), singles.flip(0)
        masks = None if masks is None else masks.flip(0)
    found = _shared(pairs, singles, masks, axis + 1)
    if found is not None:
        return found
    total: Tensor = Chain.apply(pairs, singles, masks, axis + 1)  # type: ignore[no-untyped-call]
    return total


def _shared(pairs: Tensor, singles: Tensor, masks: Tensor | None, axis: int) -> Tensor | None:
    """The same where `pairs` is alike for all that `singles` vary with, by products of matrices."""
    states, steps, rank = singles.shape[axis], len(singles), singles.ndim
    if torch.compiler.is_compiling():  # it takes no branch that depends on numbers
        return None
    if pairs.numel() != len(pairs) * states**2 or singles.shape[axis - 1] > 1:
        return None
    inner = singles.movedim(axis, -1)
    shape = inner.shape[1:-1]
    if masks is not None:
        masks = masks[(slice(None), *(None,) * (rank - 1 - masks.ndim))]
        masks = masks.expand(steps, *shape).reshape(steps, -1, 1)
    flat = pairs.reshape(len(pairs), states, states)
    found = shared_chain(flat, inner.reshape(steps, -1, states), masks)
    return None if found is None else found.reshape(shape).unsqueeze(axis)


def _of_both(pairs: Tensor, states: int, axis: int) -> Tensor:
    """The same for every state at a step and every one before, where it says nothing of one."""
    sizes = [-1] * pairs.ndim
    sizes[axis - 1] = sizes[axis] = states
    return pairs.expand(sizes)


def _steps_first(x: Tensor, rank: int) -> Tensor:
    """[steps, ..., rows], with as many axes as the other one has, each step in one piece."""
    return x[(None,) * (rank - x.ndim)].movedim(-1, 0).contiguous()
