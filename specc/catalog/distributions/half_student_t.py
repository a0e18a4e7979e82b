"""The half-t-distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE

ENTRY = Distribution(
    name="half_student_t",
    summary="The absolute value of a t-distributed variable: a prior for scales, half-Cauchy at "
    "df = 1 and half-normal for large df.",
    formula=(
        "2 Gamma((df + 1) / 2) / (Gamma(df / 2) sqrt(pi df) scale) "
        "(1 + (x / scale)^2 / df)^(-(df + 1) / 2), x >= 0"
    ),
    references=(Reference("Gelman, Prior distributions for variance parameters, 2006"),),
    parameters=(
        Parameter("df", POSITIVE, "the degrees of freedom"),
        Parameter("scale", POSITIVE, "the width"),
    ),
    result=always(POSITIVE),
    example="z: {latent: half_student_t, df: 3, scale: 2.5}",
    reparameterized=True,
    mean=False,
    entropy=True,
    cdf=True,
)
