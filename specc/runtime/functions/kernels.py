"""Covariance functions of the points of two sets.

x is [..., n, d], or [..., d] for a single point, of which `dims` is the number of axes; z is
[..., m, d]. The result is [..., n, m] or [..., m]. A length scale is a number, or [..., 1] or
[..., d]; the axes before broadcast. Rasmussen and Williams (2006), chapter 4.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from specc.runtime.functions.dtypes import promote_dtypes, to_float
from specc.runtime.number import Number


def rbf(x: Tensor, z: Tensor, length_scale: Number, *, dims: int) -> Tensor:
    """exp(-r^2 / 2), r^2 = sum_k ((x_k - z_k) / l_k)^2: equation 4.9."""
    return _of_pairs((-0.5 * _squares(x, z, length_scale, dims)).exp(), dims)


def matern12(x: Tensor, z: Tensor, length_scale: Number, *, dims: int) -> Tensor:
    """exp(-r): equation 4.18."""
    return _of_pairs((-_distances(x, z, length_scale, dims)).exp(), dims)


def matern32(x: Tensor, z: Tensor, length_scale: Number, *, dims: int) -> Tensor:
    """(1 + s) exp(-s), s = sqrt(3) r: equation 4.17."""
    s = math.sqrt(3) * _distances(x, z, length_scale, dims)
    return _of_pairs((1 + s) * (-s).exp(), dims)


def matern52(x: Tensor, z: Tensor, length_scale: Number, *, dims: int) -> Tensor:
    """(1 + s + s^2 / 3) exp(-s), s = sqrt(5) r: equation 4.17."""
    s = math.sqrt(5) * _distances(x, z, length_scale, dims)
    return _of_pairs((1 + s + s * s / 3) * (-s).exp(), dims)


def periodic(x: Tensor, z: Tensor, length_scale: Number, period: Number, *, dims: int) -> Tensor:
    """exp(-2 sum_k (sin(pi (x_k - z_k) / p_k) / l_k)^2): equation 4.31 for each coordinate."""
    turns = _differences(x, z, dims) / _per_coordinate(period)
    waves = (math.pi * turns).sin() / _per_coordinate(length_scale)
    return _of_pairs((-2 * waves.square().sum(-1)).exp(), dims)


def _differences(x: Tensor, z: Tensor, dims: int) -> Tensor:
    """x_ik - z_jk: [..., n, m, d]. Products of coordinates would lose the small differences."""
    first, second = promote_dtypes(to_float(x), to_float(z))
    points = first if dims == 2 else first.unsqueeze(-2)
    return points.unsqueeze(-2) - second.unsqueeze(-3)


def _per_coordinate(scale: Number) -> Number:
    """A scale for each coordinate of [..., n, m, d]."""
    return scale[..., None, None, :] if isinstance(scale, Tensor) else scale


def _squares(x: Tensor, z: Tensor, length_scale: Number, dims: int) -> Tensor:
    scaled = _differences(x, z, dims) / _per_coordinate(length_scale)
    return scaled.square().sum(-1)


def _distances(x: Tensor, z: Tensor, length_scale: Number, dims: int) -> Tensor:
    """The distances r; of a point to itself 0, with the gradient 0 of a norm there."""
    squares = _squares(x, z, length_scale, dims)
    apart = squares > 0
    return torch.where(apart, torch.where(apart, squares, 1.0).sqrt(), 0.0)


def _of_pairs(values: Tensor, dims: int) -> Tensor:
    """The values [..., n, m]; for a single point those of its row."""
    return values if dims == 2 else values.squeeze(-2)
