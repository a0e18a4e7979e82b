"""Log Z of an energy that depends on what is given: one number for each value of that.

    p(v | x) = exp(-F(v, x)) / Z(x),      Z(x) = sum_v exp(-F(v, x))

Rows with the same given values share log Z, such as documents of one length.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from specc.evaluate.energies.annealing import LogMean
from specc.evaluate.energies.log_z import Annealing, LogZ, OneWay, annealed, combined
from specc.evaluate.energies.model import EnergyModel, Values, rows_of
from specc.runtime.exponential_families import Natural


@dataclass(slots=True)
class ConditionalLogZ:
    """Log Z by annealing for each value of what is given, which is computed once.

    `numbers` are the numbers of known values, by their bytes; `used` is the number of rows with
    each, and `forward` and `backward` are the estimates of the batches in which they were new.
    """

    model: EnergyModel
    base: Mapping[str, Natural]
    options: Annealing
    numbers: dict[bytes, int] = field(default_factory=dict)
    used: list[int] = field(default_factory=list)
    forward: list[LogMean] = field(default_factory=list)
    backward: list[LogMean] = field(default_factory=list)

    def of(self, rows: Values, at: int) -> Tensor:
        """Log Z of each row, of which the first has the number `at`: [rows]."""
        with torch.no_grad():
            given = {name: rows[name] for name in self.model.declared.given}
            keys = [_key(given, row) for row in range(rows_of(given))]
            new: dict[bytes, int] = {}
            for row, key in enumerate(keys):
                if key not in self.numbers:
                    new.setdefault(key, row)
            if new:
                self._anneal(given, list(new.values()), at)
                self.numbers |= {key: len(self.used) + own for own, key in enumerate(new)}
                self.used += [0] * len(new)
        places = [self.numbers[key] for key in keys]
        for place in places:
            self.used[place] += 1
        found = self.backward if self.options.direction == "backward" else self.forward
        return torch.cat([own.value for own in found])[places]

    def summary(self) -> LogZ:
        """The mean over all rows so far."""
        forward = self._mean(self.forward)
        backward = self._mean(self.backward) if self.backward else None
        found = combined(forward, backward, self.options)
        return LogZ(
            found.value,
            found.standard_error,
            options=found.options,
            forward=found.forward,
            backward=found.backward,
            given=len(self.used),
        )

    def _anneal(self, given: Values, new: list[int], at: int) -> None:
        chosen = self.model.computed({name: value[new] for name, value in given.items()})
        forward, backward = annealed(self.model, self.base, self.options, chosen, at + 1)
        self.forward.append(forward)
        if backward is not None:
            self.backward.append(backward)

    def _mean(self, found: list[LogMean]) -> OneWay:
        """The mean over rows; the estimates of different values are independent."""
        values = torch.cat([own.value for own in found])
        errors = torch.cat([own.standard_error for own in found])
        share = torch.tensor(self.used, dtype=values.dtype, device=values.device) / sum(self.used)
        error = math.sqrt((share * errors).square().sum().item())
        least = torch.cat([own.effective for own in found]).min().item()
        return OneWay((share * values).sum().item(), error, least)


def _key(given: Values, row: int) -> bytes:
    return b"".join(value[row].cpu().numpy().tobytes() for value in given.values())
