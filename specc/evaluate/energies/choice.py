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
    refusal = _not_annealed(declared)
    if refusal is not None:
        return refusal
    if requested == ANNEALED:
        return ANNEALED
    reason = differs_between_rows(declared) or _not_summed(declared)
    if reason is None:
        return EXACT
    if requested != EXACT:
        return f"it has no guide, and {reason}", f"an estimate that it has is `{ANNEALED}`"
    return reason, f"write `{ANNEALED}`, annealed importance sampling"


def differs_between_rows(declared: Energy) -> str | None:
    """The reason why log Z is not the same number for all rows; None if it is."""
    for name, unit in declared.units.items():
        if needs_total(unit):
            return f"the total count of `{name}` differs between rows, and log Z with it"
    if declared.given:
        name = declared.given[0]
        return f"its energy depends on `{name}`, and log Z therefore differs between rows"
    return None


def _not_summed(declared: Energy) -> str | None:
    """The reason why log Z, or the density of a row, is no sum over few states."""
    for name, unit in declared.units.items():
        if unit.is_moved:
            return f"the density of `{name}` given the others has no closed form"
    found = {name: family_of(unit) for name, unit in declared.units.items()}
    families = {name: family for name, family in found.items() if family is not None}
    _, states = fewest_states(declared, families)
    if states > math.log2(MOST_STATES):
        return f"log Z is a sum over {states_in_words(states)} states, and at most 2^20 are summed"
    if not is_exact(declared, families):
        count = states_in_words(states_of_row(declared, families))
        return f"the latents of each row have {count} states, and at most 2^16 are summed"
    return None


def _not_annealed(declared: Energy) -> Refusal | None:
    """The reason why log Z of the units is not available in any way."""
    hint = "delete the metric; a metric of samples compares draws with the data"
    for name, unit in declared.units.items():
        if unit.is_moved and unit.role == "latent":
            return f"a chain draws `{name}`, and nothing sums it out of the density", hint
        if family_of(unit) is None:
            return f"the distribution of `{name}` given the others has no closed form", hint
    return None
