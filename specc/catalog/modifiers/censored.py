"""Censoring: of some values only an interval is known."""

from __future__ import annotations

import math

from specc.catalog.entry import Distribution, Parameter, Reference
from specc.catalog.modifier import Modifier, derived, needs_cdf
from specc.catalog.supports import REAL, Integers


def _modify(of: Modifier, base: Distribution) -> Distribution:
    return derived(of, base)


ENTRY = Modifier(
    name="censored",
    summary="Values of a distribution of which some are known only by a bound, as times of events "
    "in survival analysis.",
    formula="p(x) if event = 1, 1 - F(x) if event = 0 (right-censored), F(x) if event = 2 "
    "(left-censored), F(until) - F(x) if event = 3, F the distribution function of p",
    references=(
        Reference(
            "Klein and Moeschberger, Survival Analysis, 2nd edition, 2003",
            "section 3.5; the codes of `event` are those of Surv in Therneau's R package survival",
        ),
    ),
    parameters=(
        Parameter(
            "event",
            Integers(0, 3),
            "what x is: 1 the value, 0 a lower bound, 2 an upper bound, 3 the lower end of an "
            "interval",
        ),
        Parameter("until", REAL, "the upper end of the interval, where event = 3"),
    ),
    defaults={"until": math.inf},
    example="x: {latent: censored(weibull), event: 1, scale: 2, concentration: 1.5}",
    refuses=needs_cdf,
    modify=_modify,
)
