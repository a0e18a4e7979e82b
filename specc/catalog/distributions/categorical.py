"""The categorical distribution over class numbers."""

from __future__ import annotations

from collections.abc import Mapping

from specc.catalog.entry import Alternative, Distribution, Parameter, Reference
from specc.catalog.supports import NATURAL, REAL, SIMPLEX, Integers, Support


def _classes(known: Mapping[str, float]) -> Support:
    return Integers(0, known["n"] - 1) if "n" in known else NATURAL


ENTRY = Distribution(
    name="categorical",
    summary="A class number 0 to n - 1.",
    formula="softmax(logits)[x], x in {0, ..., n - 1}",
    references=(
        Reference("Bishop, Pattern Recognition and Machine Learning, 2006", "equation 2.26"),
    ),
    parameters=(Parameter("logits", REAL, "log probabilities up to a constant", dims=("n",)),),
    alternatives=(Alternative("probs", "logits", SIMPLEX, "log_probs"),),
    options={"classes": "n"},
    result=_classes,
    example="y: {latent: categorical, logits: 0, classes: 10}",
    continuous=False,
    mean=False,
    finite=True,
    entropy=True,
    kl_with=("categorical",),
)
