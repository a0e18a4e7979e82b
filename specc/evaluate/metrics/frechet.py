"""The Frechet distance of two normal distributions, from the moments of two sets of rows.

    |m - n|^2 + tr(S + T - 2 (S T)^(1/2))

(Dowson and Landau 1982, eq. 16; Heusel et al. 2017, eq. 6)
"""

from __future__ import annotations

from torch import Tensor, linalg

from specc.evaluate.compared import Compared, Value


def compute(compared: Compared) -> dict[str, Value]:
    """The squared distance; it has no standard error."""
    x, y = compared.data, compared.samples
    return {"distance": Value(distance(x.mean(0), x.mT.cov(), y.mean(0), y.mT.cov()))}


def distance(mean: Tensor, covariance: Tensor, other_mean: Tensor, other: Tensor) -> float:
    """The squared distance of N(mean, covariance) and N(other_mean, other).

    tr (S T)^(1/2) is the sum of the singular values of S^(1/2) T^(1/2), whose square roots are
    symmetric: this is exact for singular matrices, too.
    """
    size = len(mean)
    first, second = (
        _square_root(covariance.reshape(size, size)),
        _square_root(other.reshape(size, size)),
    )
    apart = (mean - other_mean).square().sum()
    traces = first.square().sum() + second.square().sum()
    found: float = (apart + traces - 2.0 * linalg.svdvals(first @ second).sum()).item()
    return max(found, 0.0)


def _square_root(covariance: Tensor) -> Tensor:
    """The symmetric square root of a matrix, with its negative eigenvalues replaced by 0."""
    values, vectors = linalg.eigh(covariance)
    root: Tensor = (vectors * values.clamp_min(0.0).sqrt()) @ vectors.mT
    return root
