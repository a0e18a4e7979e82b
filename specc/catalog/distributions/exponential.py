"""The exponential distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE

ENTRY = Distribution(
    name="exponential",
    summary="The waiting time for the next event of a Poisson process.",
    formula="rate exp(-rate x), x >= 0",
    references=(
        Reference(
            "Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1, 1994",
            "chapter 19",
        ),
    ),
    parameters=(Parameter("rate", POSITIVE, "the number of events in a unit of time"),),
    result=always(POSITIVE),
    example="z: {latent: exponential, rate: 1}",
    reparameterized=True,
    cdf=True,
    entropy=True,
    kl_with=("exponential",),
)
