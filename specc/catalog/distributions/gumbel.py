"""The Gumbel distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE, REAL

ENTRY = Distribution(
    name="gumbel",
    summary="The limit distribution of the maximum of many samples, with a longer right tail.",
    formula="exp(-z - exp(-z)) / scale, z = (x - loc) / scale",
    references=(
        Reference(
            "Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2, 1995",
            "chapter 22",
        ),
    ),
    parameters=(
        Parameter("loc", REAL, "the mode"),
        Parameter("scale", POSITIVE, "the width; the standard deviation is scale pi / sqrt(6)"),
    ),
    result=always(REAL),
    example="z: {latent: gumbel, loc: 0, scale: 1}",
    reparameterized=True,
    location_scale=True,
    entropy=True,
    cdf=True,
)
