"""The gamma distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE

ENTRY = Distribution(
    name="gamma",
    summary="A density on positive numbers: the waiting time for `concentration` events.",
    formula="rate^a x^(a - 1) exp(-rate x) / Gamma(a), a = concentration, x > 0",
    references=(
        Reference("Bishop, Pattern Recognition and Machine Learning, 2006", "equation 2.146"),
        Reference("Figurnov, Mohamed and Mnih, Implicit Reparameterization Gradients, 2018"),
    ),
    parameters=(
        Parameter("concentration", POSITIVE, "the shape"),
        Parameter("rate", POSITIVE, "the inverse of the scale"),
    ),
    result=always(POSITIVE),
    example="z: {latent: gamma, concentration: 2, rate: 1}",
    reparameterized=True,
    cdf=True,
    entropy=True,
    kl_with=("gamma",),
)
