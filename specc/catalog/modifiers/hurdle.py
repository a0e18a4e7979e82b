"""Hurdles: whether a count is 0 is drawn first, and then a count that is not 0."""

from __future__ import annotations

from specc.catalog.entry import Alternative, Distribution, Parameter, Reference
from specc.catalog.modifier import Modifier, derived, needs_counts
from specc.catalog.supports import OPEN_UNIT_INTERVAL, REAL


def _modify(of: Modifier, base: Distribution) -> Distribution:
    return derived(of, base)


ENTRY = Modifier(
    name="hurdle",
    summary="0 with the probability `gate`, else a count of a distribution that is not 0.",
    formula="gate if x = 0, else (1 - gate) p(x) / (1 - p(0))",
    references=(
        Reference(
            "Mullahy, Specification and testing of some modified count data models, Journal of "
            "Econometrics 33, 1986",
            "section 2",
        ),
    ),
    parameters=(Parameter("gate_logits", REAL, "log(gate / (1 - gate))"),),
    alternatives=(Alternative("gate", "gate_logits", OPEN_UNIT_INTERVAL, "logit"),),
    example="x: {latent: hurdle(poisson), gate: 0.3, rate: 2}",
    refuses=needs_counts,
    modify=_modify,
)
