"""An energy program: its energy, and its units with the natural parameters of each."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from specc.runtime.energies import Energy
from specc.runtime.exponential_families import (
    Family,
    Multinomial,
    Natural,
    family_of,
    needs_total,
)

Values = Mapping[str, Tensor]
"""Values of units by name: [rows, *shape] each."""


def rows_of(values: Values) -> int:
    """The number of rows of values; 1 if there are no units."""
    return len(next(iter(values.values()))) if values else 1


@dataclass(frozen=True, slots=True)
class EnergyModel:
    """The module of an energy program, with the declaration in its manifest."""

    module: nn.Module
    declared: Energy
    families: Mapping[str, Family]

    @staticmethod
    def of(module: nn.Module, declared: Energy) -> EnergyModel:
        """The model of a module; raises ValueError if a unit is of no exponential family."""
        families = {}
        for name, unit in declared.units.items():
            family = family_of(unit)
            if family is None:
                raise ValueError(f"the conditional of `{name}` has no closed form")
            families[name] = family
        return EnergyModel(module, declared, families)

    def bound(self, known: Values) -> EnergyModel:
        """The model of rows with known values of what is given: with the total counts of each."""
        units = self.declared.units
        open_totals = [name for name in self.families if needs_total(units[name])]
        if not open_totals or not all(name in known for name in self.declared.given):
            return self
        values = {**self.reference(units), **known}
        families = dict(self.families)
        for name in open_totals:
            unit = units[name]
            found = getattr(self.module, unit.method)(*self._inputs(unit.given, values))
            families[name] = Multinomial(found[unit.parameters.index("total_count")])
        return EnergyModel(self.module, self.declared, families)

    def computed(self, given: Values) -> dict[str, Tensor]:
        """The values of given nodes, and of what is computed from them alone."""
        found = {}
        for name in self.declared.given:
            value = given[name]
            found[name] = value.to(self.like) if value.is_floating_point() else value
        for name, let in self.declared.lets.items():
            if all(other in found for other in let.given):
                found[name] = getattr(self.module, let.method)(*(found[n] for n in let.given))
        return found

    def in_float64(self) -> EnergyModel:
        """A copy that computes in float64."""
        return EnergyModel(copy.deepcopy(self.module).double(), self.declared, self.families)

    def held(self, rows: Values) -> dict[str, Tensor]:
        """The values that rows of data hold fixed: observed units, and what `computed` returns."""
        observed = {name: rows[name].to(self.like) for name in self.observed}
        return {**observed, **self.computed(rows)}

    @property
    def like(self) -> Tensor:
        """A tensor of the dtype and on the device of the parameters."""
        return next(self.module.parameters()).detach()

    @property
    def observed(self) -> tuple[str, ...]:
        """The names of the observed units."""
        return tuple(n for n, unit in self.declared.units.items() if unit.role == "observed")

    @property
    def latents(self) -> tuple[str, ...]:
        """The names of the latent units."""
        return tuple(n for n, unit in self.declared.units.items() if unit.role == "latent")

    def energy(self, values: Values) -> Tensor:
        """E of a value of every unit: [rows]."""
        inputs = self._inputs(self.declared.energy, values)
        found: Tensor = self.module.energy(*inputs)  # type: ignore[operator]
        return found

    def _inputs(self, names: Iterable[str], values: Values) -> Iterator[Tensor]:
        """The values of units, and of what is computed from them."""
        for name in names:
            if name in values:
                yield values[name]
            else:
                let = self.declared.lets[name]
                yield getattr(self.module, let.method)(*self._inputs(let.given, values))

    def free_energy(self, values: Values) -> Tensor:
        """-log sum over the latent units of exp(-E): [rows]."""
        assert self.declared.free_energy is not None
        inputs = self._inputs(self.declared.free_energy, values)
        found: Tensor = self.module.free_energy(*inputs)  # type: ignore[operator]
        return found

    def parts(self, name: str) -> tuple[Tensor | None, ...]:
        """Entries of a unit that are independent given all others, as masks: [*shape] each.

        One None stands for all entries, if they do not interact; else each color is a part.
        """
        colors = self.declared.units[name].colors
        if colors is None:
            return (None,)
        own = self.module.get_buffer(colors.buffer)
        return tuple(own == color for color in range(colors.count))

    def natural(self, name: str, values: Values, part: Tensor | None = None) -> Natural:
        """The natural parameters of a unit given the others: [rows, *shape] each.

        With a part, those of its entries given all other entries; those elsewhere mean nothing.
        """
        unit = self.declared.units[name]
        method = getattr(self.module, unit.method)
        if part is not None:
            assert unit.colors is not None
            values = {**values, name: torch.where(part, unit.colors.neutral, values[name])}
        found = method(*self._inputs(unit.given, values))
        numbers = found if isinstance(found, tuple) else (found,)
        parameters = (n if isinstance(n, Tensor) else self.like.new_tensor(n) for n in numbers)
        eta = self.families[name].natural(*parameters)
        rows = rows_of(values)
        return tuple(own.expand(rows, *unit.shape) for own in eta)

    def reference(self, names: Iterable[str], rows: int = 1) -> dict[str, Tensor]:
        """A value of each unit at which its base measure is 1."""
        found = {}
        for name in names:
            shape = self.declared.units[name].shape
            value = self.families[name].reference(shape, self.like)
            found[name] = value.expand(max(rows, len(value)), *shape)
        return found

    def entries(self, names: Iterable[str]) -> int:
        """The number of entries of a row of all these units."""
        return sum(math.prod(self.declared.units[name].shape) for name in names)
