"""The Poisson distribution."""

from __future__ import annotations

from specc.catalog.entry import Conditional, Distribution, Parameter, Reference, always
from specc.catalog.supports import NATURAL, NONNEGATIVE

ENTRY = Distribution(
    name="poisson",
    summary="The number of events of a Poisson process in a unit of time.",
    formula="rate^x exp(-rate) / x!, x in {0, 1, ...}",
    references=(
        Reference("Johnson, Kemp and Kotz, Univariate Discrete Distributions, 2005", "chapter 4"),
    ),
    parameters=(Parameter("rate", NONNEGATIVE, "the mean"),),
    result=always(NATURAL),
    example="x: {latent: poisson, rate: 4}",
    continuous=False,
    cdf=True,
    kl_with=("poisson",),
    conditional=Conditional(
        arguments={"rate": "exp(c)"},
        log_partition="sum(exp(c))",
        base="1 / x!",
        log_base="-sum(lgamma(x + 1))",
    ),
)
