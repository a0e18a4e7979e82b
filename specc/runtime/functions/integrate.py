"""A normal latent integrated out of a density, exactly."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from specc.runtime.functions.condition import Normal, affine, condition, counted
from specc.runtime.number import Number

Seen = tuple[Tensor, Number, Number] | tuple[Tensor, Number, Number, Tensor]
"""A value, its mean, its deviation and, where entries of it may be missing, which are known."""


def integrate(
    basis: Tensor, prior: tuple[Number, Number], seen: Sequence[Seen], axis: int
) -> Tensor:
    """The log of the integral over z of N(z; *prior) times N(x; loc, scale) of all that is seen.

    `basis` [1 + n, ..., *event] has 0 and the unit vectors of z at `axis`, counted without the
    event, and each loc [..., 1 + n, ..., *event of x] was computed from it: it is affine in z, and
    no scale depends on z. Each x is [rows, *event of x]; entries of which a mask says that they are
    not known count for nothing. The axis stays, of size 1 (probabilistic PCA: Tipping and Bishop
    1999, equations 3 to 6).
    """
    start = affine(*prior, basis, axis, basis.shape[-axis:])
    found = [
        (x.reshape(len(x), -1), affine(loc, scale, basis, axis, x.shape[1:]), counted(x, 1, *mask))
        for x, loc, scale, *mask in seen
    ]
    return condition(Normal(start.offset, start.scale.diag_embed()), found)[0]
