"""The sliced Wasserstein distance: the mean over random directions of exact distances.

    SW_p^p = mean over u of integral over t in [0, 1] of |F_u^-1(t) - G_u^-1(t)|^p

(Bonneel et al. 2015, section 3). For sets of equal size the integral is a sum over sorted
values; otherwise it is a sum over the intervals on which both quantile functions are constant.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from specc.evaluate.compared import Compared, Value

AT_ONCE = 64
"""The directions of a chunk."""


def compute(compared: Compared, *, order: int, projections: int) -> dict[str, Value]:
    """SW_p, with the standard error of the mean over directions; without one in one dimension."""
    x, y = compared.data, compared.samples
    size = x.shape[-1]
    if size == 1:
        return {"distance": Value(transport(x.mT, y.mT, order).item() ** (1.0 / order))}
    drawn = compared.noise().normal((projections, size)).to(x)
    directions = drawn / drawn.norm(dim=-1, keepdim=True)
    costs = torch.cat(
        [transport(u @ x.mT, u @ y.mT, order) for u in torch.split(directions, AT_ONCE)]
    )
    mean, spread = costs.mean().item(), costs.std().item() / math.sqrt(projections)
    value = mean ** (1.0 / order)
    return {"distance": Value(value, spread * value ** (1 - order) / order if value else 0.0)}


def transport(x: Tensor, y: Tensor, order: int) -> Tensor:
    """W_p^p between the rows of x [count, n] and of y [count, m], [count]."""
    x, y = x.sort(-1).values, y.sort(-1).values
    n, m = x.shape[-1], y.shape[-1]
    if n == m:
        return (x - y).abs().pow(order).mean(-1)
    # The ends of all steps as integers of 1 / (n m), so that equal ones are the same.
    ends = torch.unique(torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n]))
    starts = torch.cat([torch.zeros(1, dtype=ends.dtype), ends[:-1]])
    widths = ((ends - starts).double() / (n * m)).to(x)
    at_x, at_y = (starts // m).to(x.device), (starts // n).to(x.device)
    found: Tensor = (x[:, at_x] - y[:, at_y]).abs().pow(order) @ widths
    return found
