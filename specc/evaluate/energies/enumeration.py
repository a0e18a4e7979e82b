"""Log Z by a sum over all states of some units, with one block summed out in closed form.

    log Z = log sum_k exp(log f_1(k)),      log f_1(k) = log sum_s exp(-E(k, s))

The states of the kept units k are enumerated in chunks, in float64.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from specc.evaluate.energies.model import EnergyModel, Values, rows_of
from specc.evaluate.energies.path import Path, neutral_base, summable
from specc.evaluate.memory import BUDGET
from specc.runtime.energies import Energy, Unit
from specc.runtime.exponential_families import Family

MOST_STATES = 1 << 20
"""The most states that are enumerated: those of 20 binary units."""


def log_z(model: EnergyModel) -> float:
    """Log Z, exact but for rounding; raises ValueError if there are too many states."""
    summed, log2_states = fewest_states(model.declared, model.families)
    if log2_states > math.log2(MOST_STATES):
        raise ValueError(f"the enumeration has {states_in_words(log2_states)} states")
    exact = model.in_float64()
    with torch.inference_mode():
        return log_sum(Path(exact, neutral_base(exact), summed)).item()


def log_sum(path: Path) -> Tensor:
    """Log of the sum of f_1 over all states of the kept units: a float64 number.

    With clamped values, one number for each of their rows.
    """
    clamped = next(iter(path.clamped.values()), None)
    each = 1 if clamped is None else len(clamped)
    total = torch.full((each,), -math.inf, dtype=torch.float64, device=path.model.like.device)
    for values in _chunks(path.model, path.names, max(1, each)):
        count = rows_of(values)
        wide = {name: value.repeat_interleave(each, 0) for name, value in values.items()}
        held = {n: v.repeat(count, *[1] * (v.ndim - 1)) for n, v in path.clamped.items()}
        part = path.with_clamped(held)
        found = part.log_density(part.state(wide), 1.0).double()
        for name in path.names:
            found = found + path.model.families[name].log_base(wide[name])
        total = torch.logaddexp(total, found.reshape(count, each).logsumexp(0))
    return total if clamped is not None else total[0]


def fewest_states(
    declared: Energy, families: Mapping[str, Family], clamped: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], float]:
    """The units to sum out so that the fewest states remain, and the log2 of their number."""

    def states(summed: tuple[str, ...]) -> float:
        kept = (n for n in declared.units if n not in summed and n not in clamped)
        return sum(_log2_states(families[n], declared.units[n]) for n in kept)

    best = min(summable(declared, clamped), key=states)
    return best, states(best)


def states_in_words(log2_states: float) -> str:
    """A number of states: `2^784`, `infinitely many`."""
    if math.isinf(log2_states):
        return "infinitely many"
    shown = f"{log2_states:.1f}".removesuffix(".0")
    return f"2^{shown}"


def _log2_states(family: Family, unit: Unit) -> float:
    found = family.states(unit.shape)
    return math.inf if found is None else found[1] * math.log2(found[0])


def _chunks(model: EnergyModel, names: tuple[str, ...], rows: int) -> Iterator[Values]:
    """All states of the units, a few at a time; the last unit changes slowest."""
    tables: dict[str, Tensor] = {}
    radix: list[tuple[str, int, int]] = []
    for name in names:
        family, shape = model.families[name], model.declared.units[name].shape
        tables[name] = family.support(shape, model.like)
        found = family.states(shape)
        assert found is not None
        radix.append((name, *found))
    count = math.prod(states**entries for _, states, entries in radix)
    width = 8 * rows * max(1, model.entries(model.declared.units))
    size = max(1, BUDGET // width)
    for first in range(0, count, size):
        index = torch.arange(first, min(first + size, count), device=model.like.device)
        values = {}
        for name, states, entries in radix:
            digits = []
            for _ in range(entries):
                digits.append(index % states)
                index = index.div(states, rounding_mode="floor")
            places = torch.stack(digits, 1) if digits else index.new_zeros(len(index), 0)
            shape = model.declared.units[name].shape
            values[name] = tables[name][places].reshape(len(index), *shape)
        yield values
