"""The continuous Bernoulli distribution."""

from __future__ import annotations

from specc.catalog.entry import Alternative, Distribution, Parameter, Reference, always
from specc.catalog.supports import OPEN_UNIT_INTERVAL, REAL, UNIT_INTERVAL

ENTRY = Distribution(
    name="continuous_bernoulli",
    summary="An exponential density on [0, 1], for pixels that are not binarized.",
    formula="C(p) p^x (1 - p)^(1 - x), p = sigmoid(logits), 0 <= x <= 1",
    references=(
        Reference("Loaiza-Ganem and Cunningham, The Continuous Bernoulli, 2019", "section 3"),
    ),
    parameters=(
        Parameter("logits", REAL, "log(p / (1 - p)); the mean is 1/2 at 0 and rises with it"),
    ),
    alternatives=(Alternative("probs", "logits", OPEN_UNIT_INTERVAL, "logit"),),
    result=always(UNIT_INTERVAL),
    example="x: {latent: continuous_bernoulli, logits: 0}",
    reparameterized=True,
    entropy=True,
    cdf=True,
    kl_with=("continuous_bernoulli",),
)
