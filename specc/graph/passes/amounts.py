"""Limits: sizes, numbers in one value, weights of a link."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from specc.catalog.entry import Shape
from specc.catalog.limits import MAX_NUMBERS, MAX_SIZE, MAX_WEIGHTS
from specc.catalog.parameters import parameters
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.graph import ROWS, Graph, LinkUse, SizedLink
from specc.graph.nodes import NodeId

SMALLER = "make it smaller; is a number too many in it?"


def too_large(what: str, size: int, span: Span, limit: int = MAX_SIZE) -> Diagnostic | None:
    """The diagnostic of a size beyond the limit."""
    return None if size <= limit else _finding(what, size, span, limit)


def too_many(what: str, shape: Shape, span: Span, limit: int = MAX_NUMBERS) -> Diagnostic | None:
    """The diagnostic of a value with too many numbers."""
    largest = max(shape, default=1)
    if largest > MAX_SIZE:
        return _finding(f"a size of {what}", largest, span, MAX_SIZE)
    count = math.prod(shape)
    if count <= limit:
        return None
    return _finding(f"the count of numbers in {what}", count, span, limit)


def _finding(what: str, size: int, span: Span, limit: int) -> Diagnostic:
    shown = f"{size:,}" if size < 10**18 else f"{float(min(size, 10**300)):.1e}"
    return diagnose("E0353", span, what=what, size=shown, limit=f"{limit:,}", hint=SMALLER)


def check_amounts(
    graph: Graph,
    events: Mapping[NodeId, Shape],
    given: Mapping[tuple[NodeId, str], Shape],
    plates: Mapping[NodeId, tuple[str, ...]],
    findings: Findings,
) -> None:
    """Refuses nodes, with their plates, and parameters with too many numbers."""
    inputs: dict[NodeId, dict[str, Shape]] = {}
    for (of, name), own in given.items():
        inputs.setdefault(of, {})[name] = own
    for node_id, shape in events.items():
        node, repeated = graph.node(node_id), plates.get(node_id, ())
        if node_id in findings.broken:
            continue
        full_shape = (*(graph.size_of(plate) for plate in repeated if plate != ROWS), *shape)
        found = too_many(f"one value of `{node.name}`", full_shape, node.span)
        for name, own in inputs.get(node_id, {}).items():
            found = found or too_many(f"`{name}` of `{node.name}`", own, node.span)
        if found is not None:
            findings.add(found, node_id)


def check_weights(
    sized: Mapping[str, SizedLink], uses: Sequence[LinkUse], findings: Findings
) -> None:
    """Refuses links with too many weights."""
    first = {use.link: use for use in reversed(uses)}
    for name, link in sized.items():
        tail = () if link.tail is None else link.tail.layers
        layers = (*link.module.layers, *tail, *(x for h in link.heads.values() for x in h.layers))
        count = sum(math.prod(shape) for each in layers for shape in parameters(each).values())
        what = f"the count of weights of the link `{name}`"
        found = too_large(what, count, first[name].span, MAX_WEIGHTS)
        if found is not None:
            findings.add(found, first[name].node)
