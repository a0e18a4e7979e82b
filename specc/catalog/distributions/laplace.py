"""The Laplace distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE, REAL

ENTRY = Distribution(
    name="laplace",
    summary="A symmetric density with exponential tails; its log-density is an absolute error.",
    formula="exp(-|x - loc| / scale) / (2 scale)",
    references=(
        Reference(
            "Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2, 1995",
            "chapter 24",
        ),
    ),
    parameters=(
        Parameter("loc", REAL, "the mean and the median"),
        Parameter("scale", POSITIVE, "the mean distance from loc"),
    ),
    result=always(REAL),
    example="z: {latent: laplace, loc: 0, scale: 1}",
    reparameterized=True,
    location_scale=True,
    entropy=True,
    cdf=True,
    kl_with=("laplace",),
)
