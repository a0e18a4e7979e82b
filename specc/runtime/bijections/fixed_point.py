"""Fixed points of contractions, by Anderson's acceleration.

Walker and Ni (2011), Anderson acceleration for fixed-point iterations, section 2.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from specc.runtime.unsolved import only
from specc.runtime.varying import varies

MEMORY, MOST = 5, 2000
TOLERANCE = 32.0
"""Stops where |f(x) - x| <= 32 eps (1 + |x|): 7e-15 in float64, 4e-6 in float32."""


@torch.no_grad()
def fixed_point(f: Callable[[Tensor], Tensor], start: Tensor) -> Tensor:
    """x = f(x) for vectors [..., size], each by itself, where f brings any two closer together.

    A step is accepted where the residual gets smaller, and otherwise replaced by the plain step
    x <- f(x), which makes it smaller by the Lipschitz constant of f. Ends at the tolerance, where
    rounding allows no further step, or after 2,000 steps; a vector whose residual is larger than
    half of the digits allow is NaN then. The result has no gradient.
    """
    varies("a fixed point takes as many steps as its numbers need")
    x, y = start, f(start)
    residual = y - x
    past: list[tuple[Tensor, Tensor]] = []
    failed = torch.zeros_like(x[..., :1], dtype=torch.bool)
    for _ in range(MOST):
        proposed = torch.where(failed, y, _accelerated(y, residual, past))
        image = f(proposed)
        better = _norm(image - proposed) < _norm(residual)
        if not (better | ~failed).any() or _near(x, residual):
            break
        moves = (image - y, (image - proposed) - residual)
        past = [*past, (better * moves[0], better * moves[1])][-MEMORY:]
        x, y = torch.where(better, proposed, x), torch.where(better, image, y)
        residual, failed = y - x, ~better
    allowed = torch.finfo(x.dtype).eps ** 0.5 * (1 + _norm(x) + _norm(start))
    return only(
        _norm(residual) <= allowed,
        y,
        start.isfinite().all(-1, keepdim=True),
        f"a fixed point was not reached in {MOST:,} steps",
    )


def _norm(x: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return norm


def _near(x: Tensor, residual: Tensor) -> bool:
    tolerance = TOLERANCE * torch.finfo(x.dtype).eps
    return bool((_norm(residual) <= tolerance * (1 + _norm(x))).all())


def _accelerated(y: Tensor, residual: Tensor, past: list[tuple[Tensor, Tensor]]) -> Tensor:
    """The step that would make the residual smallest, were f linear along the last few steps."""
    if not past:
        return y
    moves, changes = (torch.stack(side, -2) for side in zip(*past, strict=True))
    size = _norm(changes).clamp_min(torch.finfo(y.dtype).tiny)
    moves, changes = moves / size, changes / size
    gram = changes @ changes.mT
    ridge = 10 * torch.finfo(y.dtype).eps
    eye = torch.eye(len(past), dtype=y.dtype, device=y.device)
    weights: Tensor = torch.linalg.solve(gram + ridge * eye, changes @ residual[..., None])
    return y - (weights * moves).sum(-2)
