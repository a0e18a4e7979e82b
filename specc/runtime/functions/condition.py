"""Normal latents integrated out of normal densities whose means are affine in them.

With z = m + S e, e standard normal, and an observation x = A z + c + noise of deviations s, let
G = A S / s and y = (x - A m - c) / s, row by row. The QR factors of I above G give R, with
R'R = I + G'G, and

    e* = (I + G'G)^-1 G'y,   z given x has the mean m + S e* and the root S R^-1
    log p(x) = -(|y - G e*|^2 + |e*|^2) / 2 - log det R - sum log s - n/2 log 2 pi

(Bishop 2006, equations 2.113 to 2.117, in the square-root form of Kaminski, Bryson and Schmidt
1971). No covariance is formed and nothing large is subtracted, so noise that is a million times
smaller than the signal costs no more digits than its square root would.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from specc.runtime.number import Number


class Normal(NamedTuple):
    """A normal vector: its mean [..., n] and a root of its covariance, S S' [..., n, n]."""

    mean: Tensor
    root: Tensor


class Affine(NamedTuple):
    """x = weight z + offset + noise of deviations `scale`: [..., m, n], [..., m] and [..., m]."""

    weight: Tensor
    offset: Tensor
    scale: Tensor


def affine(loc: Number, scale: Number, basis: Tensor, axis: int, event: Sequence[int]) -> Affine:
    """The map behind a mean that was computed at 0 and at each unit vector, along one axis.

    `loc` [..., 1 + n, ..., *event] has that axis at `axis`, counted without the event, or does not
    depend on z; `basis` [1 + n, ...] says how many, and of what type. The axis stays, of size 1.
    """
    mean, deviation = (_flat(torch.as_tensor(x).to(basis), event) for x in (loc, scale))
    count, place = basis.shape[0] - 1, axis - 1
    if mean.ndim < -place or mean.shape[place] == 1:
        return Affine(mean.new_zeros(mean.shape[-1], count), mean, deviation)
    first = mean.narrow(place, 0, 1)
    weight = (mean.narrow(place, 1, count) - first).unsqueeze(-1).transpose(place - 1, -1)
    return Affine(weight, first, deviation)


def _flat(x: Tensor, event: Sequence[int]) -> Tensor:
    """An event as a vector: [..., m]."""
    x = x[(None,) * (len(event) - x.ndim)]
    outer = x.shape[: x.ndim - len(event)]
    return x.expand((*outer, *event)).reshape((*outer, math.prod(event)))


def counted(x: Tensor, leading: int, mask: Tensor | None = None) -> Tensor | None:
    """Which entries of x count, 1 or 0 [..., m], m those of all axes after the `leading` ones."""
    if mask is None:
        return None
    wide = mask[(..., *(None,) * (x.ndim - mask.ndim))].expand_as(x)
    return wide.reshape(*x.shape[:leading], -1).to(x)


def condition(
    prior: Normal, seen: Sequence[tuple[Tensor, Affine, Tensor | None]]
) -> tuple[Tensor, Normal]:
    """The log-density of what is seen, [...], and z given it.

    Each x is [..., m], and beside it stands which of its entries count, None for all. An entry that
    does not is a row of zeros in G and y: it says nothing of z, and has no term of its own.
    """
    mean, root = prior
    residuals, maps, constant = [], [], torch.zeros_like(mean[..., 0])
    for x, (weight, offset, scale), counts in seen:
        expected = (weight @ mean.unsqueeze(-1)).squeeze(-1) + offset
        residual, gained = (x - expected) / scale, weight @ root / scale.unsqueeze(-1)
        each = scale.log() + math.log(2 * math.pi) / 2
        if counts is not None:
            residual, gained = residual * counts, gained * counts.unsqueeze(-1)
            each = each * counts
        residuals.append(residual)
        maps.append(gained)
        constant = constant - each.sum(-1)
    gain, y = joined(maps, -2), joined(residuals, -1)
    one = torch.eye(root.shape[-1], dtype=root.dtype, device=root.device)
    q, r = torch.linalg.qr(torch.cat([one.expand(*gain.shape[:-2], -1, -1), gain], -2))
    below = q[..., one.shape[0] :, :]
    projected = below.mT @ y.unsqueeze(-1)
    found = torch.linalg.solve_triangular(r, projected, upper=True)
    rest = y - (gain @ found).squeeze(-1)
    found = found.squeeze(-1)
    log_det = r.diagonal(dim1=-2, dim2=-1).abs().log().sum(-1)
    log_p = constant - (rest.square().sum(-1) + found.square().sum(-1)) / 2 - log_det
    narrowed = torch.linalg.solve_triangular(r, root.expand_as(r), upper=True, left=False)
    return log_p, Normal(mean + (root @ found.unsqueeze(-1)).squeeze(-1), narrowed)


def joined(parts: Sequence[Tensor], axis: int) -> Tensor:
    """The parts side by side, each broadcast to the axes before."""
    if len(parts) == 1:
        return parts[0]
    rank = max(p.ndim for p in parts)
    full = [p[(None,) * (rank - p.ndim)] for p in parts]
    sizes = [max(p.shape[i] for p in full) for i in range(rank + axis)]
    return torch.cat([p.expand(*sizes, *p.shape[axis:]) for p in full], axis)
