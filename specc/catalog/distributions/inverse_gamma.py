"""The inverse gamma distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE

ENTRY = Distribution(
    name="inverse_gamma",
    summary="The inverse of a gamma variable: the conjugate prior of a variance.",
    formula="rate^a x^(-a - 1) exp(-rate / x) / Gamma(a), a = concentration, x > 0",
    references=(Reference("Gelman et al., Bayesian Data Analysis, 2013", "appendix A"),),
    parameters=(
        Parameter("concentration", POSITIVE, "the shape"),
        Parameter("rate", POSITIVE, "the rate of 1 / x, a scale of x"),
    ),
    result=always(POSITIVE),
    example="z: {latent: inverse_gamma, concentration: 3, rate: 1}",
    reparameterized=True,
    cdf=True,
    entropy=True,
    kl_with=("inverse_gamma",),
)
