"""Ends of a latent that other values determine, as a derived guide writes them.

For `b: {latent: uniform, low: 0, high: 1 - a}` these are the link `{onto: {low: 0, high: context}}`
and the text `1 - a` of its context.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from msgspec import Struct

from specc.catalog.entry import Shape
from specc.catalog.guide import NoGuide
from specc.catalog.onto import link_between
from specc.graph.ends import End, Ends
from specc.graph.graph import MODEL, TypedGraph
from specc.graph.nodes import Deterministic, Distributed
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Binary, Call, Expression, Name, Number
from specc.language.expressions.walk import names, rewrite


class WrittenEnds(Struct, frozen=True):
    """The link onto the support, the ends that move as texts, and the plates of these."""

    link: str
    texts: tuple[str, ...]
    plates: frozenset[str]


def written_ends(typed: TypedGraph, node: Distributed, ends: Ends) -> WrittenEnds:
    """The ends of a latent in terms of random values and data; raises `NoGuide`."""
    found: dict[str, tuple[Expression, Shape]] = {}
    plates: set[str] = set()
    numbers: dict[str, float | None] = {}
    for key, end, sign in (("low", ends.low, 1), ("high", ends.high, -1)):
        numbers[key] = -sign * math.inf if not end.exists else None if end.parameter else end.at
        if end.parameter:
            own = node.arguments[end.parameter]
            plates |= typed.plates_of(MODEL, own)
            expression = _beyond_none(inlined(typed, node, own), end, sign)
            found[key] = expression, typed.given[node.id, end.parameter]
    shape = typed.types[node.id].shape
    texts = tuple(_texts(node, shape, found))
    return WrittenEnds(link_between(numbers["low"], numbers["high"]), texts, frozenset(plates))


def inlined(typed: TypedGraph, node: Distributed, expression: Expression) -> Expression:
    """An expression of the model without deterministic nodes, for the guide."""
    graph = typed.graph

    def replaced(part: Expression) -> Expression | None:
        if not isinstance(part, Name):
            return None
        used = graph.lookup(MODEL, part.id)
        if used is None or used.is_variable or used.role == "given":
            return None
        if used.role == "parameter" and used.scan is None:
            return Name(f"{MODEL}.{used.name}", part.span)
        if isinstance(used, Deterministic) and used.scan is None:
            return rewrite(used.value, replaced)
        raise NoGuide(node.name, f"its ends depend on the sequence `{part.id}`", _HINT)

    return rewrite(expression, replaced)


_HINT = "write its node in the guide"


def _beyond_none(expression: Expression, end: End, sign: int) -> Expression:
    """The larger of a lower end and a number, or the smaller of an upper end and a number."""
    if math.isinf(end.at):
        return expression
    at = Number(float(end.at), expression.span)
    further = _minus(expression, at) if sign > 0 else _minus(at, expression)
    beyond = Call("relu", (further,), expression.span, expression.span)
    if end.at == 0.0 and sign > 0:
        return beyond
    return Binary("+" if sign > 0 else "-", at, beyond, expression.span)


def _minus(left: Expression, right: Expression) -> Expression:
    if isinstance(right, Number) and right.value == 0.0:
        return left
    return Binary("-", left, right, left.span)


def _texts(
    node: Distributed, shape: Shape, found: dict[str, tuple[Expression, Shape]]
) -> Iterator[str]:
    """The texts of the ends, all with one number or all with one for each entry of the value."""
    size = math.prod(shape)
    sizes = {key: math.prod(own) for key, (_, own) in found.items()}
    for key, (expression, _) in found.items():
        text = print_expression(expression)
        is_repeated = sizes[key] < max(sizes.values())
        if sizes[key] not in (1, size) or (is_repeated and len(shape) > 1):
            raise NoGuide(node.name, f"its shape is not that of its end `{text}`", _HINT)
        yield f"[{', '.join([text] * size)}]" if is_repeated else text


def on_plate(typed: TypedGraph, written: WrittenEnds) -> bool:
    """Whether the ends differ between the elements of a plate."""
    return any(plate in typed.graph.plates for plate in written.plates)


def latents_behind(typed: TypedGraph, node: Distributed, ends: Ends) -> frozenset[str]:
    """The latents that the ends of a latent depend on."""
    parameters = [end.parameter for end in (ends.low, ends.high) if end.parameter]
    expressions = [inlined(typed, node, node.arguments[name]) for name in parameters]
    return frozenset(name.id for each in expressions for name in names(each))
