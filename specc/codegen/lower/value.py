"""The type of a variable: its dtype, its event, and the named axes before the event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from specc.catalog.entry import Shape
from specc.catalog.supports import Support
from specc.codegen.plan import Input, Mask, Plan
from specc.graph.graph import ROWS


class Axis(Struct, frozen=True):
    """An axis before an event; `name` is the node, plate or sequence that it belongs to."""

    kind: Literal["particle", "enumerated", "rows", "plate", "step"]
    name: str = ""


PARTICLE = Axis("particle")

INTEGERS = ("int64", "uint8", "bool")
"""The dtypes that are converted to floating point before arithmetic."""


class Value(Struct, frozen=True):
    """A variable with the type of its tensor, whose shape is that of `axes` followed by `shape`.

    The axes are, from left to right: particles, enumerated nodes in the order of the layout, rows,
    plates, steps. `support` is that of each event; a mask has none.
    """

    name: str
    shape: Shape
    dtype: str
    support: Support | None
    axes: tuple[Axis, ...]

    @property
    def rank(self) -> int:
        """The number of axes of the event."""
        return len(self.shape)

    @property
    def is_local(self) -> bool:
        """Whether each row has its own value."""
        return any(axis.kind == "rows" for axis in self.axes)

    @property
    def is_integer(self) -> bool:
        """Whether the dtype is an integer or boolean one."""
        return self.dtype in INTEGERS

    @property
    def steps(self) -> tuple[str, ...]:
        """The sequences whose steps are axes, if there is an axis of rows."""
        steps = tuple(axis.name for axis in self.axes if axis.kind == "step")
        return steps if self.is_local else ()

    @property
    def is_sequence(self) -> bool:
        """Whether there is an axis of steps."""
        return any(axis.kind == "step" for axis in self.axes)

    @property
    def outer(self) -> frozenset[Axis]:
        """The axes of particles and enumerated nodes, to the left of those of plates."""
        return frozenset(axis for axis in self.axes if axis.kind in ("particle", "enumerated"))

    def count(self, *kinds: str) -> int:
        """Return the number of axes of these kinds."""
        return sum(axis.kind in kinds for axis in self.axes)


def value_of(
    plan: Plan,
    program: str,
    name: Input,
    outer: Iterable[Axis] = (),
    variable: str = "",
    *,
    at_step: bool = False,
) -> Value:
    """Return the value of a name in a program, with `outer` axes to the left of its plates.

    It is in `variable`, or in that of the plan. With `at_step` there is no axis of steps.
    """
    node = plan.graph.graph.lookup(program, name.node if isinstance(name, Mask) else name)
    assert node is not None
    kind = plan.graph.types[node.id]
    axes = (_axis(plan, plate) for plate in kind.plates)
    known = plan.missing[node.name] if isinstance(name, Mask) else None
    return Value(
        name=variable or plan.python[name],
        shape=kind.shape if known is None else kind.shape[: known.rank],
        dtype=plan.dtype(node) if known is None else "bool",
        support=kind.support if known is None else None,
        axes=(*outer, *(a for a in axes if not (at_step and a.kind == "step"))),
    )


def _axis(plan: Plan, plate: str) -> Axis:
    """Return the axis of a plate."""
    if plate == ROWS:
        return Axis("rows")
    return Axis("step" if plate in plan.graph.graph.scans else "plate", plate)
