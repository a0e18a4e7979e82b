"""The beta distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import OPEN_UNIT_INTERVAL, POSITIVE

ENTRY = Distribution(
    name="beta",
    summary="A density on (0, 1): the conjugate prior of a probability.",
    formula="x^(a - 1) (1 - x)^(b - 1) / B(a, b), 0 < x < 1",
    references=(
        Reference("Bishop, Pattern Recognition and Machine Learning, 2006", "equation 2.13"),
    ),
    parameters=(
        Parameter("concentration1", POSITIVE, "a, the weight of 1"),
        Parameter("concentration0", POSITIVE, "b, the weight of 0"),
    ),
    result=always(OPEN_UNIT_INTERVAL),
    example="z: {latent: beta, concentration1: 2, concentration0: 2}",
    reparameterized=True,
    cdf=True,
    entropy=True,
    kl_with=("beta",),
)
