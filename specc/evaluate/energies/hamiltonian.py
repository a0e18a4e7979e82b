"""Transitions of a unit of an energy that no closed form draws, by Hamiltonian Monte Carlo.

Along the path of `specc.evaluate.energies.path` the log-density of a unit x given the others is

    log f_b(x) = (1 - b) eta0 T(x) - b E(x),      T(x) = (x, x^2),      0 <= b <= 1

up to a constant. A transition has 10 leapfrog steps in the standardized values u = (x - m) / s,
with the mean m and the deviation s of the base. It leaves f_b invariant and is reversible, for any
step size (Neal 2011, section 3.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from torch import Tensor

from specc.evaluate.energies.model import EnergyModel, Values
from specc.runtime.chains import hmc
from specc.runtime.chains.point import at
from specc.runtime.exponential_families import Natural
from specc.runtime.noise import Noise

LEAPFROG, FIRST = 10, 0.3
"""The leapfrog steps of a transition, and its step size before any adaptation."""

WANTED, GAIN = 0.8, 0.1
"""The wanted probability of acceptance, and the change of log step size for each unit of error."""


@dataclass(slots=True)
class Transition:
    """The transitions of one unit: [1, *shape] mean and deviation of the base.

    `sizes` are the step sizes by temperature, and `size` is that of a temperature without one. A
    size that depends on the chains of an estimate biases it, so chains that no estimate uses
    choose them.
    """

    model: EnergyModel
    name: str
    mean: Tensor
    deviation: Tensor
    sizes: dict[float, float] = field(default_factory=dict)
    size: float = FIRST

    @staticmethod
    def of(model: EnergyModel, name: str, base: Natural) -> Transition:
        """The transitions of a unit with the natural parameters of its base."""
        linear, square = base
        variance = -0.5 / square
        return Transition(model, name, linear * variance, variance.sqrt())

    def step(self, values: Values, b: float, noise: Noise, adapts: bool = False) -> Tensor:
        """The next value of the unit: [rows, *shape].

        With `adapts` the step size becomes that of the temperature, and the next one is closer to
        the wanted acceptance.
        """
        others = {name: value for name, value in values.items() if name != self.name}

        def log_density(u: Tensor) -> Tensor:
            base = -0.5 * u.square().flatten(1).sum(1)
            return (1 - b) * base - b * self.model.energy({**others, self.name: self._unit(u)})

        size = self.size if adapts else self.sizes.get(b, self.size)
        start = at(log_density, (values[self.name] - self.mean) / self.deviation)
        point, accepted = hmc.step(noise, log_density, start, step_size=size, leapfrog=LEAPFROG)
        if adapts:
            self.sizes[b] = size
            self.size = size * math.exp(GAIN * (accepted.mean().item() - WANTED))
        return self._unit(point.value)

    def _unit(self, standardized: Tensor) -> Tensor:
        return self.mean + self.deviation * standardized
