"""The beta-binomial distribution."""

from __future__ import annotations

from collections.abc import Mapping

from specc.catalog.entry import Distribution, Parameter, Reference
from specc.catalog.supports import NATURAL, POSITIVE, Integers, Support


def _counts(known: Mapping[str, float]) -> Support:
    return Integers(0, known["total_count"]) if "total_count" in known else NATURAL


ENTRY = Distribution(
    name="beta_binomial",
    summary="Overdispersed counts: the number of successes in `total_count` trials whose "
    "probability is a beta variable.",
    formula="n! / (x! (n - x)!) B(x + a, n - x + b) / B(a, b), n = total_count",
    references=(
        Reference("Johnson, Kemp and Kotz, Univariate Discrete Distributions, 2005", "chapter 6"),
    ),
    parameters=(
        Parameter("total_count", NATURAL, "the number of trials"),
        Parameter("concentration1", POSITIVE, "a, the weight of a success"),
        Parameter("concentration0", POSITIVE, "b, the weight of a failure"),
    ),
    result=_counts,
    example="x: {latent: beta_binomial, total_count: 10, concentration1: 2, concentration0: 3}",
    continuous=False,
    finite=True,
    cdf=True,
    limits={"most": "total_count"},
)
