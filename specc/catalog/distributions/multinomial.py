"""The multinomial distribution."""

from __future__ import annotations

from specc.catalog.entry import Alternative, Conditional, Distribution, Parameter, Reference, always
from specc.catalog.supports import COUNTS, NATURAL, REAL, SIMPLEX

ENTRY = Distribution(
    name="multinomial",
    summary="The number of draws in each of n classes, out of `total_count` draws.",
    formula="N! prod_i p_i^x_i / x_i!, p = softmax(logits), N = total_count = sum_i x_i",
    references=(
        Reference("Bishop, Pattern Recognition and Machine Learning, 2006", "equation 2.34"),
    ),
    parameters=(
        Parameter("total_count", NATURAL, "the number of draws"),
        Parameter("logits", REAL, "log probabilities up to a constant", dims=("n",)),
    ),
    alternatives=(Alternative("probs", "logits", SIMPLEX, "log_probs"),),
    options={"classes": "n"},
    result_dims=("n",),
    result=always(COUNTS),
    example="x: {latent: multinomial, total_count: 20, logits: 0, shape: [5]}",
    continuous=False,
    limits={"total": "total_count"},
    conditional=Conditional(
        arguments={"logits": "c"},
        log_partition="total_count * logsumexp(c)",
        base="N! / prod_i x_i!, N = total_count",
        log_base="lgamma(total_count + 1) - sum(lgamma(x + 1))",
    ),
)
