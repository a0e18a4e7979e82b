"""The generalized normal distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE, REAL

ENTRY = Distribution(
    name="generalized_normal",
    summary="A symmetric density with a power in its exponent: Laplace at power 1, normal at 2, "
    "almost uniform for a large power.",
    formula="exp(-|(x - loc) / scale|^power) / (2 scale Gamma(1 + 1 / power))",
    references=(
        Reference(
            "Nadarajah, A generalized normal distribution, Journal of Applied Statistics 32, 2005",
            "equation 1",
        ),
    ),
    parameters=(
        Parameter("loc", REAL, "the mean"),
        Parameter("scale", POSITIVE, "the width; of a normal density sqrt(2) standard deviations"),
        Parameter("power", POSITIVE, "the exponent"),
    ),
    result=always(REAL),
    example="z: {latent: generalized_normal, loc: 0, scale: 1, power: 1.5}",
    reparameterized=True,
    location_scale=True,
    cdf=True,
    entropy=True,
)
