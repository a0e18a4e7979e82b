"""The positions of the axes of particles and enumerated nodes, counted from the right.

A tensor has the axes [particles, enumerated..., batch, *event]. An axis along which a value is
constant is absent at the left, or has size 1 between others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from specc.codegen.plan import Plan
from specc.graph.element import Element
from specc.objective.passes.marginalize import integrated_starts


class Layout(Struct, frozen=True):
    """The axes before the rows: the number of particles (no axis if 1), and enumerated nodes.

    The start of a sequence is on the axis of the previous value, as `shared` states.
    """

    particles: int = 1
    enumerated: tuple[str, ...] = ()
    shared: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_particles(self) -> bool:
        """Whether there is a particle axis."""
        return self.particles > 1

    @classmethod
    def of(cls, plan: Plan, enumerated: Iterable[str], particles: int) -> Layout:
        """Return the axes of a loss.

        The lagged value of an enumerated node also has an axis, and so has an element of it in rows
        that depend on two of them.
        """
        model = plan.graph.graph.model.nodes.values()
        shifted = {n.shift.base: n.name for n in model if n.shift and not n.shift.nearer}
        axes: list[str] = []
        starts = integrated_starts(plan.graph, plan.objective.draws)
        for name in (each for each in enumerated if each not in starts):
            axes += [n.name for n in model if isinstance(n, Element) and n.base == name]
            axes += [shifted[name], name] if name in shifted else [name]
        return cls(particles, tuple(axes), {s: shifted[base] for s, base in starts.items()})

    def on(self, name: str) -> str:
        """Return the node whose axis the values of an enumerated node are on."""
        return self.shared.get(name, name)

    def axis(self, name: str) -> int:
        """Return the index, from the right, of an enumerated node's axis in a tensor with rows."""
        return -(len(self.enumerated) - self.enumerated.index(self.on(name)) + 1)

    def axes(self, names: Iterable[str]) -> tuple[int, ...]:
        """Return the indices of several enumerated axes, from left to right."""
        return tuple(sorted(self.axis(name) for name in names))
