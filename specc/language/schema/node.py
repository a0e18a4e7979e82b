"""The schema of a node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, get_args

from specc.language.expressions import tree
from specc.language.schema.digests import math, parameters
from specc.language.schema.value import Expression, Value

Role = Literal["latent", "observed", "given", "let", "parameter", "joint", "energy"]
PartRole = Literal["latent", "observed"]
ROLES: tuple[Role, ...] = get_args(Role)[:-1]
PART_ROLES: tuple[PartRole, ...] = get_args(PartRole)

INITS = ("zeros", "normal")
"""Named initial values of a learnt tensor."""

SCALED = "normal"
"""The initial values that may have a standard deviation: `init: {normal: 0.01}`."""


class Draw(Value):
    """The gradient estimator of a latent, or the chain of a node of an energy.

    `draw: {score: {baseline: mean}}`, `draw: {mala: {step_size: 0.1}}`.
    """

    kind: str = math(about="The kind of draw, such as `pathwise`.")
    options: Mapping[str, str | int | float | None] = math(
        default={}, about="The options of the draw."
    )


class Node(Value):
    """A named variable with exactly one role.

    `head` is the value of the role: the name of a distribution (latent, observed), of a data field
    (given) or of a support (parameter), the expression of a `let`, or the `distribution` of a joint
    node. The `energy` of a program is a node of its own, with an expression. `arguments` are the
    parameters and options of the distribution.
    """

    role: Role = math(about="The role of the node.")
    head: str | Expression = math(about="A distribution, a data field, a support or an expression.")
    arguments: Mapping[str, Expression] = math(
        default={}, about="The distribution's parameters by name."
    )
    parts: Mapping[str, PartRole] = math(
        default={}, about="The parts of one joint draw: the role of each."
    )
    shapes: Mapping[str, tuple[Expression, ...]] = math(
        default={}, about="The sizes of parts of a joint draw, by name."
    )
    params: Expression | None = math(
        default=None, about="A link whose outputs are the parameters that are not given otherwise."
    )
    shape: tuple[Expression, ...] | None = math(
        default=None, about="The shape of one value, for one data row."
    )
    plate: str | None = math(default=None, about="The plate that repeats the node.")
    initial: Expression | None = math(
        default=None, about="The value before the first step of a sequence."
    )
    reverse: bool = math(
        default=False, about="Whether a sequence runs from its last step to its first."
    )
    is_global: bool = math(
        default=False, about="Whether all data rows share one value (`global: true`)."
    )
    from_field: str | None = math(
        default=None, about="The data field of an observed node, if its name is not the node's."
    )
    plate_index: str | None = math(
        default=None, about="The plate whose elements the values of a given node index."
    )
    through: tuple[Expression, ...] = math(
        default=(), about="The bijections applied to a draw, in order."
    )
    draw: Draw | None = math(
        default=None, about="How the value is drawn, and its gradient estimated."
    )
    missing: Draw | None = math(default=None, about="How missing values are treated.")
    init: float | str | tuple[float, ...] | Mapping[str, float] | None = parameters(
        default=None,
        about="The initial value of a parameter, or `{normal: 0.01}`, the standard deviation of "
        "random ones.",
    )

    def expressions(self) -> Iterator[tree.Expression]:
        """All expressions of the node, in arbitrary order."""
        if not isinstance(self.head, str):
            yield self.head
        yield from self.arguments.values()
        if self.params is not None:
            yield self.params
        yield from self.through
        if self.initial is not None:
            yield self.initial
        yield from self.shape or ()
        for sizes in self.shapes.values():
            yield from sizes


Nodes = Mapping[str, Node]

__all__ = ["PART_ROLES", "ROLES", "Draw", "Node", "Nodes", "PartRole", "Role"]
