"""Truncation: a distribution given that its value is in an interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from specc.catalog.entry import Distribution, Parameter, Reference
from specc.catalog.modifier import Modifier, derived, needs_cdf
from specc.catalog.supports import REAL, Integers, Interval, Support, meet


def _modify(of: Modifier, base: Distribution) -> Distribution:
    def result(known: Mapping[str, float]) -> Support:
        """The values of the base between the ends that are known; reals are not at an end."""
        low, high = known.get("lower", -math.inf), known.get("upper", math.inf)
        whole = base.result(known)
        if whole.discrete:
            low, high = (
                end if math.isinf(end) else at(end)
                for end, at in ((low, math.ceil), (high, math.floor))
            )
            return meet(whole, Integers(low, high)) or whole
        ends = Interval(low, high, low_open=low > -math.inf, high_open=high < math.inf)
        return meet(whole, ends) or whole

    limits = MappingProxyType({**base.limits, "least": "lower", "most": "upper"})
    pathwise = base.reparameterized
    return derived(of, base, result=result, reparameterized=pathwise, mean=False, limits=limits)


ENTRY = Modifier(
    name="truncated",
    summary="A distribution given that its value is between `lower` and `upper`.",
    formula="p(x) / (F(upper) - F(lower)), lower <= x <= upper, F the distribution function of p; "
    "of counts, p(x) / (F(upper) - F(lower - 1))",
    references=(
        Reference(
            "Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1, 1994",
            "section 10.1",
        ),
    ),
    parameters=(
        Parameter("lower", REAL, "the lower end, if there is one"),
        Parameter("upper", REAL, "the upper end, above the lower one, if there is one"),
    ),
    defaults={"lower": -math.inf, "upper": math.inf},
    example="z: {latent: truncated(normal), lower: 0, upper: 5, loc: 1, scale: 2}",
    refuses=needs_cdf,
    modify=_modify,
)
