"""The improper uniform distribution."""

from __future__ import annotations

import math
from collections.abc import Mapping

from specc.catalog.entry import Distribution, Parameter, Reference
from specc.catalog.supports import REAL, Interval, Support


def _between(known: Mapping[str, float]) -> Support:
    """The open interval between the ends that are known."""
    low, high = known.get("low", -math.inf), known.get("high", math.inf)
    return Interval(low, high, low_open=low > -math.inf, high_open=high < math.inf)


ENTRY = Distribution(
    name="improper_uniform",
    summary="The density 1 everywhere between low and high: a flat prior, which does not "
    "integrate to one.",
    formula="1, low <= x <= high",
    references=(
        Reference("Gelman et al., Bayesian Data Analysis, 3rd edition, 2013", "section 2.8"),
    ),
    parameters=(
        Parameter("low", REAL, "the lower end, if there is one"),
        Parameter("high", REAL, "the upper end, if there is one"),
    ),
    result=_between,
    example="z: {latent: improper_uniform, low: 0, global: true}",
    defaults={"low": -math.inf, "high": math.inf},
    limits={"least": "low", "most": "high"},
    improper=True,
    mean=False,
)
