"""The half-normal distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE

ENTRY = Distribution(
    name="half_normal",
    summary="The absolute value of a normal variable of mean 0: a prior for scales.",
    formula="sqrt(2 / pi) exp(-x^2 / (2 scale^2)) / scale, x >= 0",
    references=(
        Reference(
            "Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1, 1994",
            "chapter 13",
        ),
    ),
    parameters=(Parameter("scale", POSITIVE, "the standard deviation of the normal variable"),),
    result=always(POSITIVE),
    example="z: {latent: half_normal, scale: 1}",
    reparameterized=True,
    entropy=True,
    cdf=True,
    kl_with=("half_normal",),
)
