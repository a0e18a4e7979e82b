"""One-to-one maps from real numbers onto supports, and their log-determinants.

A density p of x = f(u) is the density p(f(u)) |det df/du| of u. Chains move u, which has no
constraints (Stan Reference Manual, Constraint transforms). The functions `..._log_det` sum over all
axes, or over the last `rank` of them, those of the latent of a row.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from specc.runtime import number
from specc.runtime.bijections.cholesky import CorrCholesky, LowerTriangle, PositiveDefinite
from specc.runtime.bijections.ordered import Ordered
from specc.runtime.bijections.simplex import StickBreaking
from specc.runtime.number import Number


def exp_log_det(free: Tensor, rank: int | None = None) -> Tensor:
    """The sum of log |dx/du| = u of x = exp(u), or end +- exp(u), over all entries."""
    return _sum(free, rank)


def sigmoid_log_det(free: Tensor, rank: int | None = None) -> Tensor:
    """The sum of log |dx/du| = log x (1 - x) of x = 1 / (1 + exp(-u)) over all entries.

    For x = low + (high - low) / (1 + exp(-u)) the constant log(high - low) of each is left out.
    """
    return _sum(functional.logsigmoid(free) + functional.logsigmoid(-free), rank)


def onto_interval(free: Tensor, low: Number, high: Number) -> Tensor:
    """The numbers low + (high - low) / (1 + exp(-free)), for ends that are values."""
    return low + (high - low) * free.sigmoid()


def onto_interval_log_det(
    free: Tensor, low: Number, high: Number, rank: int | None = None
) -> Tensor:
    """The sum of log |dx/du| = log (high - low) x (1 - x), x = 1 / (1 + exp(-u))."""
    log_slope = functional.logsigmoid(free) + functional.logsigmoid(-free)
    return _sum(log_slope + number.log(high - low), rank)


def onto_above(free: Tensor, low: Number) -> Tensor:
    """The numbers low + exp(free), for an end that is a value."""
    return low + free.exp()


def onto_below(free: Tensor, high: Number) -> Tensor:
    """The numbers high - exp(free), for an end that is a value."""
    return high - free.exp()


def _sum(values: Tensor, rank: int | None) -> Tensor:
    """The sum over the last `rank` axes, over all of them if it is None."""
    if rank is None:
        return values.sum()
    return values.flatten(values.dim() - rank).sum(-1) if rank else values


def stick_breaking(free: Tensor) -> Tensor:
    """The point of the simplex [..., n] of `free` [..., n - 1]; 0 gives n equal entries."""
    return StickBreaking().forward(free)[0]


def stick_breaking_log_det(free: Tensor, rank: int | None = None) -> Tensor:
    """The sum of the log-determinants of `stick_breaking`."""
    return _sum(StickBreaking().forward(free)[1], None if rank is None else rank - 1)


def ordered(free: Tensor) -> Tensor:
    """The increasing vector [..., n] of `free` [..., n]: the first entry, and logs of steps."""
    return Ordered().forward(free)[0]


def ordered_log_det(free: Tensor, rank: int | None = None) -> Tensor:
    """The sum of the log-determinants of `ordered`."""
    return _sum(Ordered().forward(free)[1], None if rank is None else rank - 1)


def ordered_exp_log_det(free: Tensor, rank: int | None = None) -> Tensor:
    """The sum of the log-determinants of the exponential of `ordered`, onto positive numbers."""
    return ordered_log_det(free, rank) + exp_log_det(ordered(free), rank)


def ordered_sigmoid_log_det(free: Tensor, rank: int | None = None) -> Tensor:
    """The sum of the log-determinants of 1 / (1 + exp(-x)), x the vector of `ordered`."""
    return ordered_log_det(free, rank) + sigmoid_log_det(ordered(free), rank)


def lower_triangle(free: Tensor) -> Tensor:
    """The lower triangular matrix [..., n, n] with a positive diagonal, row by row.

    The last axis of `free` has n (n + 1) / 2 entries; those of the diagonal are logarithms.
    """
    return LowerTriangle().forward(free)[0]


def lower_triangle_log_det(free: Tensor, rank: int | None = None) -> Tensor:
    """The sum of the log-determinants of `lower_triangle`."""
    return _sum(LowerTriangle().forward(free)[1], None if rank is None else rank - 1)


def corr_cholesky(free: Tensor) -> Tensor:
    """The Cholesky factor [..., n, n] of a correlation matrix; 0 gives the identity.

    The last axis of `free` has n (n - 1) / 2 entries, those below the diagonal row by row.
    """
    return CorrCholesky().forward(free)[0]


def corr_cholesky_log_det(free: Tensor, rank: int | None = None) -> Tensor:
    """The sum of the log-determinants of `corr_cholesky`."""
    return _sum(CorrCholesky().forward(free)[1], None if rank is None else rank - 1)


def positive_definite(free: Tensor) -> Tensor:
    """The positive definite matrix [..., n, n] L L', with L the `lower_triangle` of `free`."""
    return PositiveDefinite().forward(free)[0]


def positive_definite_log_det(free: Tensor, rank: int | None = None) -> Tensor:
    """The sum of the log-determinants of `positive_definite`."""
    return _sum(PositiveDefinite().forward(free)[1], None if rank is None else rank - 1)
