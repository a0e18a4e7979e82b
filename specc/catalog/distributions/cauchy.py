"""The Cauchy distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE, REAL

ENTRY = Distribution(
    name="cauchy",
    summary="A symmetric density with tails so heavy that it has no mean.",
    formula="1 / (pi scale (1 + ((x - loc) / scale)^2))",
    references=(
        Reference(
            "Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1, 1994",
            "chapter 16",
        ),
        Reference("Chyzak and Nielsen, KL divergence between Cauchy distributions, 2019"),
    ),
    parameters=(
        Parameter("loc", REAL, "the median"),
        Parameter("scale", POSITIVE, "half the distance between the quartiles"),
    ),
    result=always(REAL),
    example="z: {latent: cauchy, loc: 0, scale: 1}",
    reparameterized=True,
    location_scale=True,
    mean=False,
    entropy=True,
    cdf=True,
    kl_with=("cauchy",),
)
