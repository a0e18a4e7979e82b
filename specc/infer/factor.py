"""Tables of nonnegative numbers over named variables: products, sums and slices of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A number for each combination of values, with one axis for each variable."""

    variables: tuple[str, ...]
    values: Array

    def at(self, known: Mapping[str, int]) -> Factor:
        """The slice at the known values of some variables, without their axes."""
        place = tuple(known.get(name, slice(None)) for name in self.variables)
        left = tuple(name for name in self.variables if name not in known)
        return Factor(left, np.asarray(self.values[place]))

    def without(self, name: str) -> Factor:
        """The sum over one variable."""
        axis = self.variables.index(name)
        left = self.variables[:axis] + self.variables[axis + 1 :]
        return Factor(left, np.asarray(self.values.sum(axis)))

    def over(self, variables: tuple[str, ...]) -> Array:
        """The values with an axis for each of `variables`, of size 1 for other variables."""
        present = [name for name in variables if name in self.variables]
        moved = self.values.transpose([self.variables.index(name) for name in present])
        sizes = iter(moved.shape)
        return moved.reshape([next(sizes) if name in present else 1 for name in variables])


def product(factors: list[Factor], first: tuple[str, ...] = ()) -> Factor:
    """The product of the factors over all their variables, those of `first` before the others."""
    names = dict.fromkeys([*first, *(name for factor in factors for name in factor.variables)])
    variables = tuple(names)
    result: Array = np.ones((1,) * len(variables))
    for factor in sorted(factors, key=lambda each: each.values.size):
        result = result * factor.over(variables)
    return Factor(variables, result)
