"""The multivariate normal distribution."""

from __future__ import annotations

from specc.catalog.entry import Alternative, Distribution, Parameter, Reference, always
from specc.catalog.supports import CHOLESKY, POSITIVE_DEFINITE, REAL

ENTRY = Distribution(
    name="multivariate_normal",
    summary="A normal distribution over vectors of n correlated numbers.",
    formula="exp(-|y|^2 / 2) / ((2 pi)^(n / 2) prod_i L_ii), L y = x - loc, L = scale_tril",
    references=(
        Reference("Bishop, Pattern Recognition and Machine Learning, 2006", "equation 1.52"),
    ),
    parameters=(
        Parameter("loc", REAL, "the mean", dims=("n",)),
        Parameter("scale_tril", CHOLESKY, "L, the covariance being L L'", dims=("n", "n")),
    ),
    alternatives=(
        Alternative("covariance_matrix", "scale_tril", POSITIVE_DEFINITE, "cholesky"),
        Alternative("precision_matrix", "scale_tril", POSITIVE_DEFINITE, "inverse_cholesky"),
    ),
    result_dims=("n",),
    result=always(REAL),
    example="z: {latent: multivariate_normal, loc: 0, scale_tril: [[1, 0], [0.5, 1]]}",
    reparameterized=True,
    entropy=True,
    kl_with=("multivariate_normal",),
)
