"""The half-Cauchy distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE

ENTRY = Distribution(
    name="half_cauchy",
    summary="The absolute value of a Cauchy variable: a heavy-tailed prior for scales.",
    formula="2 / (pi scale (1 + (x / scale)^2)), x >= 0",
    references=(Reference("Gelman, Prior distributions for variance parameters, 2006"),),
    parameters=(Parameter("scale", POSITIVE, "the median"),),
    result=always(POSITIVE),
    example="z: {latent: half_cauchy, scale: 1}",
    reparameterized=True,
    mean=False,
    entropy=True,
    cdf=True,
)
