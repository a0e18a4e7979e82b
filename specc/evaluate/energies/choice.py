"""Which estimate of log Z an energy program allows, from its manifest alone."""

from __future__ import annotations

import math

from specc.evaluate.energies.enumeration import MOST_STATES, fewest_states, states_in_words
from specc.evaluate.energies.likelihood import is_exact, states_of_row
from specc.runtime.energies import Energy
from specc.runtime.exponential_families import family_of, needs_total

ANNEALED, EXACT = "ais", "exact"

Refusal = tuple[str, str]
"""The reason why an estimate is not available, and a hint."""


def choose(declared: Energy, requested: str) -> str | Refusal:
    """The estimator to use: the requested one, or the exact value instead of a bound by a guide."""
    refusal = _unnormalizable(declared)
    if refusal is not None:
        return refusal
    if requested == ANNEALED:
        return ANNEALED
    found = {name: family_of(unit) for name, unit in declared.units.items()}
    families = {name: family for name, family in found.items() if family is not None}
    _, states = fewest_states(declared, families)
    if states > math.log2(MOST_STATES):
        reason = (
            f"log Z is a sum over {states_in_words(states)} states, and at most 2^20 are summed"
        )
    elif not is_exact(declared, families):
        count = states_in_words(states_of_row(declared, families))
        reason = f"the latents of each row have {count} states, and at most 2^16 are summed"
    else:
        return EXACT
    if requested != EXACT:
        return f"it has no guide, and {reason}", f"an estimate that it has is `{ANNEALED}`"
    return reason, f"write `{ANNEALED}`, annealed importance sampling"


def _unnormalizable(declared: Energy) -> Refusal | None:
    """The reason why log Z of the units is not available in any way."""
    given = [name for name in declared.energy if name not in declared.units]
    if given:
        reason = f"its energy depends on `{given[0]}`, and log Z therefore differs between rows"
        return reason, "delete the metric; a metric of samples compares draws with the data"
    for name, unit in declared.units.items():
        if name in unit.given:
            reason = f"the entries of `{name}` depend on each other given the other nodes"
            return reason, "delete the metric; a metric of samples compares draws with the data"
        if family_of(unit) is not None:
            continue
        if needs_total(unit):
            reason = f"the total count of `{name}` differs between rows, and log Z with it"
            return reason, "write the total as a number"
        reason = f"the distribution of `{name}` given the others has no closed form"
        return reason, "delete the metric; a metric of samples compares draws with the data"
    return None
