"""The geometric path from independent units to an energy, with one block summed out.

    E_b(x) = -(1 - b) sum_u eta0_u T_u(x_u) + b E(x),      0 <= b <= 1

Given the other units, the natural parameters of a unit are (1 - b) eta0 + b eta. With s the units
of a block, k all others and r a reference value of s, Bayes' rule gives

    log f_b(k) = log sum_s exp(-E_b(k, s))
               = (1 - b) eta0_k T(k) + b [-E(k, r) - eta_s(k) T(r)] + A((1 - b) eta0_s + b eta_s(k))

Each eta_s(k) is computed once for a state and used for the densities on both sides of a temperature
and for the draw of s. Salakhutdinov and Murray (2008), section 4.1, for two layers of binary units.

A unit that a chain moves is never summed out; its statistics T are those of the base, a normal
density, and a step of Hamiltonian Monte Carlo moves it in place of a draw. A unit whose entries
interact is not summed out either: its entries are drawn color by color, given all others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from specc.evaluate.energies.hamiltonian import Transition
from specc.evaluate.energies.model import EnergyModel, Values, rows_of
from specc.runtime.energies import Energy
from specc.runtime.exponential_families import Natural, between, dot
from specc.runtime.noise import Noise

SWEEPS = 10
"""The sweeps that draw unknown units, where they depend on each other."""


@dataclass(slots=True)
class State:
    """A state of the kept units, [rows, *shape] each, with what its densities need.

    `eta` are the natural parameters of the summed units under the energy. `slope` is the derivative
    of log f_b with respect to b without that of the log-partition of the summed units: [rows].
    """

    values: dict[str, Tensor]
    eta: dict[str, Natural]
    slope: Tensor


class Path:
    """The path of a model from `base`, the natural parameters of each unit: [1, *shape] each.

    The units `summed`, which are of one block, are summed out. `clamped` are units with fixed
    values, which the base leaves out, and the values of given nodes with what is computed from
    them, [rows, *shape] each; the density is that of the other units given them. `transitions` move
    the units that have no closed form.
    """

    def __init__(
        self,
        model: EnergyModel,
        base: Mapping[str, Natural],
        summed: tuple[str, ...],
        clamped: Values | None = None,
    ) -> None:
        self.clamped = dict(clamped or {})
        self.model = model.bound(self.clamped)
        self.base = base
        self.summed = summed
        without = {*self.clamped, *summed}
        free = (tuple(n for n in block if n not in without) for block in model.declared.blocks)
        self.kept = tuple(block for block in free if block)
        self.names = tuple(name for block in self.kept for name in block)
        self.transitions = {
            name: Transition.of(self.model, name, base[name])
            for name in self.names
            if model.declared.units[name].is_moved
        }
        self._affine = self._affine_energy()

    def with_clamped(self, clamped: Values) -> Path:
        """The path with other values of the clamped units; itself if there are none."""
        return Path(self.model, self.base, self.summed, clamped) if clamped else self

    def log_base_partition(self) -> Tensor:
        """Log Z of the base, which is the density at b = 0: [1], or [rows] if it differs."""
        total = torch.zeros(1, dtype=torch.float64, device=self.model.like.device)
        for name in (*self.names, *self.summed):
            total = total + self.model.families[name].log_partition(self.base[name]).double()
        return total

    def start(self, noise: Noise, rows: int) -> State:
        """Draws of the kept units from the base."""
        values = {}
        for name in self.names:
            eta = tuple(own.expand(rows, *own.shape[1:]) for own in self.base[name])
            values[name] = self.model.families[name].draw(noise, eta)
        return self.state(values)

    def state(self, values: Values) -> State:
        """The state with these values of the kept units."""
        known = {**self.clamped, **values}
        rows = rows_of(known)
        eta = {name: self.model.natural(name, known) for name in self.summed}
        return State(dict(values), eta, self._slope(known, eta, rows))

    def log_density(self, state: State, b: float) -> Tensor:
        """Log f_b of a state: [rows]."""
        families = self.model.families
        total = b * state.slope + self._base_term(state)
        for name, eta in state.eta.items():
            total = total + families[name].log_partition(between(self.base[name], eta, b))
        return total

    def change(self, state: State, first: float, last: float) -> Tensor:
        """Log f_last - log f_first of a state: [rows]."""
        total = (last - first) * state.slope
        for name, eta in state.eta.items():
            family, start = self.model.families[name], self.base[name]
            step = tuple((end - own) * (last - first) for own, end in zip(start, eta, strict=True))
            total = total + family.log_partition_change(between(start, eta, last), step)
        return total

    def move(
        self, state: State, b: float, noise: Noise, backwards: bool = False, adapts: bool = False
    ) -> State:
        """A sweep of block Gibbs steps that leaves f_b invariant.

        `backwards` is the reversal of the sweep: after the summed units, the others in the opposite
        order, and their colors, too. A transition of a unit is its own reversal; with `adapts` it
        chooses its step sizes.
        """
        values = {**self.clamped, **state.values}
        for name, eta in state.eta.items():
            values[name] = self._draw(name, eta, b, noise)
        for block in reversed(self.kept) if backwards else self.kept:
            for name in block:
                if name in self.transitions:
                    values[name] = self.transitions[name].step(values, b, noise, adapts)
                else:
                    values[name] = self._redrawn(name, values, b, noise, backwards)
        return self.state({name: values[name] for name in self.names})

    def _redrawn(
        self, name: str, values: Values, b: float, noise: Noise, backwards: bool
    ) -> Tensor:
        """The next value of a kept unit given all others, one part after the other."""
        parts, value = self.model.parts(name), values[name]
        for part in reversed(parts) if backwards else parts:
            eta = self.model.natural(name, {**values, name: value}, part)
            drawn = self._draw(name, eta, b, noise)
            value = drawn if part is None else torch.where(part, drawn, value)
        return value

    def _draw(self, name: str, eta: Natural, b: float, noise: Noise) -> Tensor:
        """A draw of a unit given the others under E_b, with the eta under E."""
        return self.model.families[name].draw(noise, between(self.base[name], eta, b))

    def _base_term(self, state: State) -> Tensor:
        """eta0 T of the kept units: [rows]."""
        total = torch.zeros_like(state.slope)
        for name, value in state.values.items():
            total = total + dot(self.base[name], self.model.families[name].statistics(value))
        return total

    def _affine_energy(self) -> tuple[Tensor, dict[str, Natural]] | None:
        """-E(k, r) as a constant and a coefficient of each T(k), if the kept units are one block.

        Units of a block are independent, so -E is a constant plus a sum of products with T(k).
        """
        model, units = self.model, self.model.declared.units
        if len(self.kept) != 1 or not all(units[name].is_summable for name in self.names):
            return None
        if self.clamped.keys() & units:
            return None
        rows = rows_of(self.clamped)
        reference = {**model.reference(units, rows), **self.clamped}
        constant = -model.energy(reference)
        coefficients = {name: model.natural(name, reference) for name in self.names}
        for name, eta in coefficients.items():
            statistics = model.families[name].statistics(reference[name])
            constant = constant - dot(eta, statistics)
        return constant, coefficients

    def _slope(self, known: Values, eta: Mapping[str, Natural], rows: int) -> Tensor:
        """-E(k, r) - eta_s(k) T(r) - eta0_k T(k): [rows]."""
        model = self.model
        if self._affine is None:
            reference = model.reference(self.summed, rows)
            total = -model.energy({**known, **reference}).expand(rows)
            factors = {name: tuple(-a for a in self.base[name]) for name in self.names}
        else:
            constant, coefficients = self._affine
            total = constant.expand(rows)
            factors = {
                name: tuple(a - c for a, c in zip(own, self.base[name], strict=True))
                for name, own in coefficients.items()
            }
        for name, factor in factors.items():
            total = total + dot(factor, model.families[name].statistics(known[name]))
        for name in self.summed:
            family = model.families[name]
            if not family.statistics_at_reference_are_zero:
                reference = model.reference((name,))
                total = total - dot(eta[name], family.statistics(reference[name]))
        return total


def neutral_base(model: EnergyModel) -> dict[str, Natural]:
    """The base without data: eta = 0, and standard normal for real values."""
    return {
        name: model.families[name].neutral(unit.shape, model.like)
        for name, unit in model.declared.units.items()
    }


def base_of(model: EnergyModel, data: Values) -> dict[str, Natural]:
    """The base with the distribution of each entry of the data, and that without data elsewhere."""
    base = neutral_base(model)
    for name, rows in data.items():
        found = model.families[name].fitted(rows.double())
        base[name] = tuple(own.to(model.like) for own in found)
    return base


def completed(model: EnergyModel, known: Values, noise: Noise) -> dict[str, Tensor]:
    """Values of all units, of which some are known: draws of the others given them by a chain.

    The chain makes one sweep if the other units are independent, else `SWEEPS`. Units that a chain
    along a gradient moves have no step sizes yet, and then nothing is drawn.
    """
    declared = model.declared
    missing = [name for name in declared.units if name not in known]
    if not missing or any(declared.units[name].is_moved for name in missing):
        return dict(known)
    held = {name: value.to(model.like) for name, value in known.items()}
    path = Path(model, neutral_base(model), (), held)
    state = path.start(noise, rows_of(held))
    independent = len(path.kept) == 1 and all(len(model.parts(name)) == 1 for name in missing)
    for _ in range(1 if independent else SWEEPS):
        state = path.move(state, 1.0, noise)
    return {**known, **{name: value.to(torch.float64) for name, value in state.values.items()}}


def summable(declared: Energy, clamped: Collection[str] = ()) -> tuple[tuple[str, ...], ...]:
    """The units of each block that can be summed out in closed form; no units if there are none.

    Units with clamped values are left out.
    """
    found = (
        tuple(n for n in block if n not in clamped and declared.units[n].is_summable)
        for block in declared.blocks
    )
    return tuple(units for units in found if units) or ((),)


def largest_block(model: EnergyModel) -> tuple[str, ...]:
    """The units of the block with the most entries, which are summed out.

    The weights vary least so. It is empty if no unit can be summed out in closed form.
    """
    return max(summable(model.declared), key=model.entries)
