"""The negative binomial distribution."""

from __future__ import annotations

from specc.catalog.entry import Alternative, Distribution, Parameter, Reference, always
from specc.catalog.supports import NATURAL, OPEN_UNIT_INTERVAL, POSITIVE, REAL

ENTRY = Distribution(
    name="negative_binomial",
    summary="Overdispersed counts: a Poisson variable with a gamma-distributed rate.",
    formula="Gamma(x + r) / (x! Gamma(r)) p^x (1 - p)^r, r = total_count, p = sigmoid(logits)",
    references=(
        Reference("Johnson, Kemp and Kotz, Univariate Discrete Distributions, 2005", "chapter 5"),
    ),
    parameters=(
        Parameter(
            "total_count", POSITIVE, "r, the number of failures to wait for; need not be whole"
        ),
        Parameter("logits", REAL, "log(p / (1 - p)), p the probability of success"),
    ),
    alternatives=(Alternative("probs", "logits", OPEN_UNIT_INTERVAL, "logit"),),
    result=always(NATURAL),
    example="x: {latent: negative_binomial, total_count: 3, logits: 0}",
    continuous=False,
    cdf=True,
)
