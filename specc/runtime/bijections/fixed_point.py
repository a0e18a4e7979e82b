"""Fixed points of contractions by Anderson acceleration.

Walker and Ni (2011), Anderson acceleration for fixed-point iterations, section 2.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from specc.runtime.control_flow import data_dependent
from specc.runtime.solver_failures import solution_or_nan

MEMORY, MOST = 5, 2000
TOLERANCE = 32.0
"""Stops where |f(x) - x| <= 32 eps (1 + |x|): 7e-15 in float64, 4e-6 in float32."""


@torch.no_grad()
def fixed_point(f: Callable[[Tensor], Tensor], start: Tensor) -> Tensor:
    """The solution of x = f(x) for each vector [..., size], for a contraction f.

    An accelerated step that does not decrease the residual is replaced by the plain step x <- f(x),
    which decreases it by the Lipschitz constant of f. The iteration stops at the tolerance, if
    rounding allows no further progress, or after 2,000 steps. A vector with a residual larger than
    half of the digits is then NaN. The result has no gradient.
    """
    data_dependent("a fixed point takes as many steps as its numbers need")
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
    return solution_or_nan(
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
    """The step that minimizes the residual if f is linear along the last few steps."""
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
