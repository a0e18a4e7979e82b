"""The categorical distribution over one-hot vectors."""

from __future__ import annotations

from specc.catalog.entry import Alternative, Conditional, Distribution, Parameter, Reference, always
from specc.catalog.supports import ONE_HOT, REAL, SIMPLEX

ENTRY = Distribution(
    name="one_hot_categorical",
    summary="A class as a one-hot vector, which can be the input of a network.",
    formula="softmax(logits)[i] where x is 1 at i",
    references=(
        Reference("Bishop, Pattern Recognition and Machine Learning, 2006", "equation 2.26"),
    ),
    parameters=(Parameter("logits", REAL, "log probabilities up to a constant", dims=("n",)),),
    alternatives=(Alternative("probs", "logits", SIMPLEX, "log_probs"),),
    options={"classes": "n"},
    result_dims=("n",),
    result=always(ONE_HOT),
    example="y: {latent: one_hot_categorical, logits: 0, classes: 10}",
    continuous=False,
    finite=True,
    relaxed=True,
    entropy=True,
    kl_with=("one_hot_categorical",),
    conditional=Conditional(
        arguments={"logits": "c"},
        log_partition="logsumexp(c)",
        base="1",
    ),
)
