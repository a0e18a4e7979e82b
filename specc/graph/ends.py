"""Ends of the support of a latent that other values determine: `high: 1 - alpha`.

Such a latent is a function of a real number and of its ends, so that a chain or an update never
leaves the support:

    x = low + (high - low) / (1 + exp(-u)),   x = low + exp(u)   or   x = high - exp(u)

This is Stan's `real<lower=0, upper=1 - alpha> x` (Stan Reference Manual, Constraint transforms).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

from msgspec import Struct

from specc.catalog.entry import LimitKind
from specc.catalog.supports import Interval, Support, bounds
from specc.catalog.transforms import Transform, onto_ends
from specc.graph.constants import number_of
from specc.graph.graph import ROWS, Graph, TypedGraph
from specc.graph.nodes import Distributed, Latent, Node, Observed
from specc.graph.queries import lets_behind
from specc.language.expressions.tree import Expression, Name
from specc.language.expressions.walk import names

OF_ENDS: tuple[LimitKind, ...] = ("least", "most")
"""The limits of a distribution that are ends of its values."""


Beyond = tuple[tuple[str, LimitKind], ...]
"""Observed nodes whose values end at a latent, each with the kind of that end."""


class End(Struct, frozen=True):
    """An end of an interval: the parameter of the distribution with it, or a number.

    If both are there, the support ends at the parameter and at the number `at`.
    """

    parameter: str = ""
    at: float = math.inf

    @property
    def exists(self) -> bool:
        """Whether there is an end."""
        return bool(self.parameter) or math.isfinite(self.at)


class Ends(Struct, frozen=True):
    """The two ends of a support, of which a value determines one at least."""

    low: End
    high: End

    @property
    def onto(self) -> Transform:
        """The map from real numbers onto the support, given its ends."""
        return onto_ends(low=self.low.exists, high=self.high.exists)


def bounds_of_ends(
    node: Distributed, support_of: Callable[[Expression], Support]
) -> dict[str, float]:
    """The ranges of the ends of a continuous distribution, which its values are between."""
    return ranges_of_ends(node, support_of) if node.entry.continuous else {}


def ranges_of_ends(
    node: Distributed, support_of: Callable[[Expression], Support]
) -> dict[str, float]:
    """The least value of a lower end and the largest of an upper end, by parameter, if finite."""
    found: dict[str, float] = {}
    for kind in OF_ENDS:
        parameter = node.entry.limits.get(kind, "")
        if parameter in node.arguments:
            inside = bounds(support_of(node.arguments[parameter]))
            at = inside.low if kind == "least" else inside.high
            if math.isfinite(at):
                found[parameter] = at
    return found


def moving_ends(typed: TypedGraph, node: Node) -> Ends | None:
    """The ends of a latent if a value determines one of them; None if all are numbers."""
    if not isinstance(node, Latent) or node.through or not node.entry.continuous:
        return None
    if not isinstance(typed.types[node.id].support, Interval):
        return None
    given = {kind: node.entry.limits.get(kind, "") for kind in OF_ENDS}
    number = {p: _number(typed.graph, node, p) for p in given.values() if p in node.arguments}
    if all(value is not None for value in number.values()):
        return None
    known = {name: _number(typed.graph, node, name) for name in node.arguments}
    others = {k: v for k, v in known.items() if v is not None and k not in given.values()}
    within = bounds(node.entry.result(others))
    inner = (within.low, within.high)
    low, high = (_end(node, p, number, at) for p, at in zip(given.values(), inner, strict=True))
    return Ends(low, high)


def _end(node: Distributed, parameter: str, number: dict[str, float | None], at: float) -> End:
    """An end: the parameter, the number that the base of the distribution has, or both."""
    if parameter not in number:
        return End(at=at)
    if (value := number[parameter]) is not None:
        is_low = parameter == node.entry.limits.get("least")
        finite = [each for each in (value, at) if math.isfinite(each)]
        return End(at=(max if is_low else min)(finite)) if finite else End()
    wanted = bounds(next(p.support for p in node.entry.parameters if p.name == parameter))
    return End(parameter, math.inf if at in (wanted.low, wanted.high) else at)


def _number(graph: Graph, node: Distributed, parameter: str) -> float | None:
    found = number_of(node.arguments[parameter], graph.constants, lambda name: None)
    return None if found is None else float(found)


def observed_beyond(typed: TypedGraph, node: Node) -> dict[str, LimitKind]:
    """The observed nodes whose values end at a latent that all rows share: `high: t`.

    Each has the kind of the end. The posterior of `t` is 0 where a value is beyond it, so that t is
    above the largest, or below the least.
    """
    kind = typed.types[node.id]
    if not isinstance(node, Latent) or node.through or kind.shape or kind.plates:
        return {}
    if not isinstance(kind.support, Interval):
        return {}
    found: dict[str, LimitKind] = {}
    for each in typed.graph.model.nodes.values():
        if not isinstance(each, Observed) or each.through or not is_column(typed, each):
            continue
        for limit in OF_ENDS if each.entry.continuous else ():
            end = each.arguments.get(each.entry.limits.get(limit, ""))
            if isinstance(end, Name) and end.id == node.name:
                found[each.name] = limit
    return found


def ends_beyond(support: Support, limits: Collection[LimitKind]) -> Ends:
    """The ends of a latent that is above or below all values of some nodes, and in a support."""
    inside = bounds(support)
    low = End("low" if "most" in limits else "", inside.low)
    return Ends(low, End("high" if "least" in limits else "", inside.high))


def is_column(typed: TypedGraph, node: Node) -> bool:
    """Whether the data have a value of a node in each row, and none is missing."""
    is_known = node.role in ("given", "observed") and getattr(node, "missing", None) is None
    return is_known and typed.types[node.id].plates == (ROWS,)


def parents_of(graph: Graph, node: Node) -> list[Node]:
    """The nodes that the parameters of a node depend on, also by deterministic nodes."""
    found: dict[str, Node] = {}
    for expression in node.expressions():
        lets = lets_behind(graph, node.program, expression, lambda let: True)
        for each in (expression, *(let.value for let in lets)):
            for name in names(each):
                other = graph.lookup(node.program, name.id)
                if other is not None and other.role != "let":
                    found[name.id] = other
    return list(found.values())
