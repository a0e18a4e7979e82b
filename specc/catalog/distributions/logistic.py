"""The logistic distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE, REAL

ENTRY = Distribution(
    name="logistic",
    summary="A symmetric density whose distribution function is the sigmoid.",
    formula="exp(-z) / (scale (1 + exp(-z))^2), z = (x - loc) / scale",
    references=(
        Reference(
            "Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2, 1995",
            "chapter 23",
        ),
    ),
    parameters=(
        Parameter("loc", REAL, "the mean and the median"),
        Parameter("scale", POSITIVE, "the width; the standard deviation is scale pi / sqrt(3)"),
    ),
    result=always(REAL),
    example="z: {latent: logistic, loc: 0, scale: 1}",
    reparameterized=True,
    cdf=True,
    location_scale=True,
    entropy=True,
)
