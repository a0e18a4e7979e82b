"""The uniform distribution on an interval."""

from __future__ import annotations

import math
from collections.abc import Mapping

from specc.catalog.entry import Distribution, Parameter, Reference
from specc.catalog.supports import REAL, Interval, Support


def _between(known: Mapping[str, float]) -> Support:
    """The open interval, so that a draw can be a positive scale or a probability in (0, 1)."""
    low, high = known.get("low", -math.inf), known.get("high", math.inf)
    return Interval(low, high, low_open=low > -math.inf, high_open=high < math.inf)


ENTRY = Distribution(
    name="uniform",
    summary="A constant density between low and high.",
    formula="1 / (high - low), low <= x <= high",
    references=(
        Reference(
            "Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2, 1995",
            "chapter 26",
        ),
    ),
    parameters=(
        Parameter("low", REAL, "the lower end"),
        Parameter("high", REAL, "the upper end, above low"),
    ),
    result=_between,
    example="z: {latent: uniform, low: 0, high: 1}",
    reparameterized=True,
    cdf=True,
    entropy=True,
    limits={"least": "low", "most": "high"},
    kl_with=("uniform",),
)
