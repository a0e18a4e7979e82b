"""The Kalman filter: a normal chain integrated out of a density, step by step.

    z_t = A_t z_{t-1} + a_t + N(0, Q_t),   x_t = C_t z_t + c_t + N(0, R_t)
    log p(x) = sum over t of log p(x_t | x_1 ... x_{t-1})

(Kalman 1960), with a root of each covariance in place of the covariance (Kaminski, Bryson and
Schmidt 1971): of A P A' + Q it is the triangle of a QR factorization, so it stays a covariance
whatever is lost to rounding. Time and memory are linear in the steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from specc.runtime.functions.condition import (
    Affine,
    Normal,
    affine,
    condition,
    counted,
    joined,
)
from specc.runtime.functions.integrate import Seen
from specc.runtime.number import Number


def kalman(
    basis: Tensor,
    moves: tuple[Number, Number],
    seen: Sequence[Seen],
    axis: int,
    mask: Tensor | None = None,
    reverse: bool = False,
) -> Tensor:
    """The log of the integral over z_1 ... z_T of N(z_t; *moves) times N(x_t; loc, scale).

    `basis` [1 + n, ..., *event] has 0 and the unit vectors of z at `axis`, counted without the
    event. Each loc [..., 1 + n, ..., rows, steps, *event of x] was computed from it, and that of
    `moves` from the same vectors in the place of z at the step before, left of that axis: both are
    affine, and no scale depends on z. Each x is [rows, steps, *event of x]; entries of which a mask
    beside it says that they are not known count for nothing. Before the first step there is one
    value. Where `mask` [rows, steps] is 0 a row has no step. Both axes stay.
    """
    event = basis.shape[-axis:]
    move = _steps(affine(*moves, basis, axis - 1, event))
    found = [
        (
            x.reshape(*x.shape[:2], -1),
            _steps(affine(loc, scale, basis, axis, x.shape[2:])),
            counted(x, 2, *known),
        )
        for x, loc, scale, *known in seen
    ]
    count = found[0][0].shape[1]
    size = basis.shape[0] - 1
    state = Normal(basis.new_zeros(size), basis.new_zeros(size, size))
    total = basis.new_zeros(())
    for t in reversed(range(count)) if reverse else range(count):
        state = _predict(state, _at(move, t))
        at = [(x[:, t], _at(by, t), None if k is None else k[:, t]) for x, by, k in found]
        log_p, state = condition(state, at)
        total = total + (log_p if mask is None else log_p * mask[:, t])
    return total


def _predict(state: Normal, move: Affine) -> Normal:
    """The state at the next step: a root of A P A' + Q by the QR factors of both roots."""
    mean = (move.weight @ state.mean.unsqueeze(-1)).squeeze(-1) + move.offset
    moved, noise = (move.weight @ state.root).mT, move.scale.diag_embed()
    return Normal(mean, torch.linalg.qr(joined((moved, noise), -2))[1].mT)


def _steps(x: Affine) -> Affine:
    """Its tensors with the axis of steps first, of size 1 where all steps are alike."""
    weight = x.weight.movedim(-3, 0) if x.weight.ndim > 2 else x.weight[None]
    rest = (v.movedim(-2, 0) if v.ndim > 1 else v[None] for v in (x.offset, x.scale))
    return Affine(weight, *rest)


def _at(x: Affine, t: int) -> Affine:
    """What holds at one step."""
    return Affine(*(v[t if len(v) > 1 else 0] for v in x))
