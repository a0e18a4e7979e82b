"""Student's t-distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE, REAL

ENTRY = Distribution(
    name="student_t",
    summary="A symmetric density with heavy tails: Cauchy at df = 1, normal for large df.",
    formula=(
        "Gamma((df + 1) / 2) / (Gamma(df / 2) sqrt(pi df) scale) "
        "(1 + ((x - loc) / scale)^2 / df)^(-(df + 1) / 2)"
    ),
    references=(
        Reference(
            "Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2, 1995",
            "chapter 28",
        ),
        Reference("Bishop, Pattern Recognition and Machine Learning, 2006", "equation 2.159"),
    ),
    parameters=(
        Parameter("df", POSITIVE, "the degrees of freedom"),
        Parameter("loc", REAL, "the median, and the mean where df > 1"),
        Parameter("scale", POSITIVE, "the width"),
    ),
    result=always(REAL),
    example="z: {latent: student_t, df: 5, loc: 0, scale: 1}",
    reparameterized=True,
    location_scale=True,
    entropy=True,
    cdf=True,
)
