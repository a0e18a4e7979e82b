"""Where the particle axis and the axes of enumerated nodes stand in a tensor, from the right.

A tensor is [particle, enumerated..., batch, *event], read from the right; axes that a value does
not vary with are absent at the left, or 1 between others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from specc.codegen.plan import Plan
from specc.objective.objective import Player


@dataclass(frozen=True, slots=True)
class Layout:
    """The axes before an event: how many particles (1: no axis), and which enumerated nodes."""

    particles: int = 1
    enumerated: tuple[str, ...] = ()

    @property
    def has_particles(self) -> bool:
        """Whether there is a particle axis."""
        return self.particles > 1

    @classmethod
    def of(cls, plan: Plan, player: Player, particles: int) -> Layout:
        """The axes of a loss: the value before of a node that is summed out has its own, too."""
        model = plan.graph.graph.model.nodes.values()
        shifted = {n.shift.base: n.name for n in model if n.shift is not None}
        axes: list[str] = []
        for name in player.enumerated:
            axes += [shifted[name], name] if name in shifted else [name]
        return cls(particles, tuple(axes))

    def axis(self, name: str) -> int:
        """The index, from the right, of an enumerated node's axis in a tensor of row values."""
        return -(len(self.enumerated) - self.enumerated.index(name) + 1)

    def axes(self, names: Iterable[str]) -> tuple[int, ...]:
        """The indices of several enumerated axes, from left to right."""
        return tuple(sorted(self.axis(name) for name in names))
