"""The result of shape inference."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from specc.catalog.entry import Shape
from specc.diagnostics.source import Span
from specc.graph.graph import LinkUse
from specc.graph.nodes import NodeId
from specc.graph.passes.indexing import Lookup


class Shaped(Struct, frozen=True):
    """The shapes of a graph, as in `TypedGraph`, and further results for later passes.

    `dims` has the sizes of the symbolic dims of each distribution, `lookups` the computed indices,
    `ranks` the numbers of axes of expressions, `shapes` the shapes, and `entries` the numbers of
    entries that the result of a call indexes, by their span.
    """

    events: Mapping[NodeId, Shape]
    parameters: Mapping[tuple[NodeId, str], Shape]
    given: Mapping[tuple[NodeId, str], Shape]
    bases: Mapping[NodeId, Shape]
    dims: Mapping[NodeId, Mapping[str, int]]
    classes: Mapping[NodeId, int]
    ranks: Mapping[Span, int]
    shapes: Mapping[Span, Shape]
    entries: Mapping[Span, int]
    uses: tuple[LinkUse, ...]
    lookups: tuple[Lookup, ...]
