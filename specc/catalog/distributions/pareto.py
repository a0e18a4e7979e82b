"""The Pareto distribution."""

from __future__ import annotations

from collections.abc import Mapping

from specc.catalog.entry import Distribution, Parameter, Reference
from specc.catalog.supports import POSITIVE, Interval, Support


def _above(known: Mapping[str, float]) -> Support:
    return Interval(known["scale"]) if "scale" in known else POSITIVE


ENTRY = Distribution(
    name="pareto",
    summary="A power law above a threshold: the smaller alpha is, the heavier is the tail.",
    formula="alpha scale^alpha / x^(alpha + 1), x >= scale",
    references=(
        Reference(
            "Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1, 1994",
            "chapter 20",
        ),
    ),
    parameters=(
        Parameter("scale", POSITIVE, "the threshold, the least value"),
        Parameter("alpha", POSITIVE, "the exponent: P(X > x) = (scale / x)^alpha"),
    ),
    result=_above,
    example="z: {latent: pareto, scale: 1, alpha: 3}",
    reparameterized=True,
    cdf=True,
    entropy=True,
    limits={"least": "scale"},
)
