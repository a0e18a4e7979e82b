"""Zero inflation: counts with more zeros than a distribution has."""

from __future__ import annotations

from specc.catalog.entry import Alternative, Distribution, Parameter, Reference
from specc.catalog.modifier import Modifier, derived, needs_counts
from specc.catalog.supports import OPEN_UNIT_INTERVAL, REAL


def _modify(of: Modifier, base: Distribution) -> Distribution:
    return derived(of, base)


ENTRY = Modifier(
    name="zero_inflated",
    summary="Counts of a distribution, or 0 with the probability `gate`.",
    formula="gate [x = 0] + (1 - gate) p(x)",
    references=(
        Reference(
            "Lambert, Zero-inflated Poisson regression, Technometrics 34, 1992",
            "section 2",
        ),
    ),
    parameters=(Parameter("gate_logits", REAL, "log(gate / (1 - gate))"),),
    alternatives=(Alternative("gate", "gate_logits", OPEN_UNIT_INTERVAL, "logit"),),
    example="x: {latent: zero_inflated(poisson), gate: 0.3, rate: 2}",
    refuses=needs_counts,
    modify=_modify,
)
