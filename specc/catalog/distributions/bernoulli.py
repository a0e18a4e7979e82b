"""The Bernoulli distribution."""

from __future__ import annotations

from specc.catalog.entry import Alternative, Conditional, Distribution, Parameter, Reference, always
from specc.catalog.supports import BOOLEAN, REAL, UNIT_INTERVAL

ENTRY = Distribution(
    name="bernoulli",
    summary="Binary values, entry by entry.",
    formula="p^x (1 - p)^(1 - x), p = sigmoid(logits), x in {0, 1}",
    references=(
        Reference("Bishop, Pattern Recognition and Machine Learning, 2006", "equation 2.2"),
    ),
    parameters=(Parameter("logits", REAL, "log(p / (1 - p)), p the probability of 1"),),
    alternatives=(Alternative("probs", "logits", UNIT_INTERVAL, "logit"),),
    result=always(BOOLEAN),
    example="x: {latent: bernoulli, logits: 0}",
    continuous=False,
    finite=True,
    relaxed=True,
    entropy=True,
    kl_with=("bernoulli",),
    conditional=Conditional(
        arguments={"logits": "c"},
        log_partition="sum(softplus(c))",
        base="1",
    ),
)
