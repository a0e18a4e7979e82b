"""The multivariate Student t-distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import CHOLESKY, POSITIVE, REAL

ENTRY = Distribution(
    name="multivariate_student_t",
    summary="A heavy-tailed density over vectors of n correlated numbers: normal for large df.",
    formula="Gamma((df + n) / 2) / (Gamma(df / 2) (pi df)^(n / 2) prod_i L_ii) "
    "(1 + |y|^2 / df)^(-(df + n) / 2), L y = x - loc, L = scale_tril",
    references=(
        Reference("Bishop, Pattern Recognition and Machine Learning, 2006", "equation 2.162"),
    ),
    parameters=(
        Parameter("df", POSITIVE, "the degrees of freedom"),
        Parameter("loc", REAL, "the mode, and the mean where df > 1", dims=("n",)),
        Parameter(
            "scale_tril",
            CHOLESKY,
            "L; the covariance is L L' df / (df - 2) where df > 2",
            dims=("n", "n"),
        ),
    ),
    result_dims=("n",),
    result=always(REAL),
    example="z: {latent: multivariate_student_t, df: 5, loc: 0, scale_tril: [[1, 0], [0.5, 1]]}",
    reparameterized=True,
)
