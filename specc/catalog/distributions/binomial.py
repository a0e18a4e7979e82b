"""The binomial distribution."""

from __future__ import annotations

from collections.abc import Mapping

from specc.catalog.entry import Alternative, Distribution, Parameter, Reference
from specc.catalog.supports import NATURAL, REAL, UNIT_INTERVAL, Integers, Support


def _counts(known: Mapping[str, float]) -> Support:
    return Integers(0, known["total_count"]) if "total_count" in known else NATURAL


ENTRY = Distribution(
    name="binomial",
    summary="The number of successes in `total_count` trials.",
    formula="n! / (x! (n - x)!) p^x (1 - p)^(n - x), n = total_count, p = sigmoid(logits)",
    references=(
        Reference("Bishop, Pattern Recognition and Machine Learning, 2006", "equation 2.9"),
    ),
    parameters=(
        Parameter("total_count", NATURAL, "the number of trials"),
        Parameter("logits", REAL, "log(p / (1 - p)), p the probability of success"),
    ),
    alternatives=(Alternative("probs", "logits", UNIT_INTERVAL, "logit"),),
    result=_counts,
    example="x: {latent: binomial, total_count: 10, logits: 0}",
    continuous=False,
    cdf=True,
    limits={"most": "total_count"},
    finite=True,
)
