"""The Weibull distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE

ENTRY = Distribution(
    name="weibull",
    summary="The time to a failure whose rate is a power of the time: it rises for a "
    "concentration above 1 and falls below 1.",
    formula="(k / s) (x / s)^(k - 1) exp(-(x / s)^k), s = scale, k = concentration, x > 0",
    references=(
        Reference(
            "Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1, 1994",
            "chapter 21",
        ),
    ),
    parameters=(
        Parameter("scale", POSITIVE, "the quantile at 1 - 1 / e = 0.632"),
        Parameter("concentration", POSITIVE, "k, the shape; 1 for an exponential distribution"),
    ),
    result=always(POSITIVE),
    example="z: {latent: weibull, scale: 1, concentration: 2}",
    reparameterized=True,
    cdf=True,
    entropy=True,
)
