"""The log-normal distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE, REAL

ENTRY = Distribution(
    name="log_normal",
    summary="The exponential of a normal variable: positive, with a long right tail.",
    formula="exp(-(log x - loc)^2 / (2 scale^2)) / (x scale sqrt(2 pi)), x > 0",
    references=(
        Reference(
            "Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1, 1994",
            "chapter 14",
        ),
    ),
    parameters=(
        Parameter("loc", REAL, "the mean of log x"),
        Parameter("scale", POSITIVE, "the standard deviation of log x"),
    ),
    result=always(POSITIVE),
    example="z: {latent: log_normal, loc: 0, scale: 1}",
    reparameterized=True,
    cdf=True,
    entropy=True,
    kl_with=("log_normal",),
)
