"""The multivariate normal distribution with a covariance of low rank plus a diagonal."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE, REAL

ENTRY = Distribution(
    name="lowrank_multivariate_normal",
    summary="A normal distribution over vectors of n numbers, whose covariance is of low rank plus "
    "a diagonal.",
    formula="exp(-y' S^-1 y / 2) / ((2 pi)^(n / 2) |S|^(1 / 2)), y = x - loc, "
    "S = cov_factor cov_factor' + diag(cov_diag)",
    references=(
        Reference(
            "Ong, Nott and Smith (2018), Gaussian variational approximation with a factor "
            "covariance structure",
            "section 2",
        ),
    ),
    parameters=(
        Parameter("loc", REAL, "the mean", dims=("n",)),
        Parameter("cov_factor", REAL, "the factor of the part of low rank r", dims=("n", "r")),
        Parameter("cov_diag", POSITIVE, "the diagonal", dims=("n",)),
    ),
    result_dims=("n",),
    result=always(REAL),
    example="z: {latent: lowrank_multivariate_normal, loc: 0, cov_factor: [[1], [0.5]], "
    "cov_diag: 0.1}",
    reparameterized=True,
)
