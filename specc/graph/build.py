"""The graph stage: names, order, shapes, links, plates, supports, in this order."""

from __future__ import annotations

from types import MappingProxyType

from specc.graph.findings import Findings
from specc.graph.graph import Graph, Type, TypedGraph
from specc.graph.passes.amounts import check_amounts, check_weights
from specc.graph.passes.cycles import order_nodes
from specc.graph.passes.indexing import check_lookups
from specc.graph.passes.links import size_links
from specc.graph.passes.plates import infer_plates
from specc.graph.passes.resolve import resolve
from specc.graph.passes.shapes import Shapes
from specc.graph.passes.supports import Supports
from specc.language.schema.spec import Spec


def build_graph(spec: Spec, findings: Findings) -> Graph:
    """The graph of names, each program in an order that its edges allow."""
    return order_nodes(resolve(spec, findings), findings)


def type_graph(graph: Graph, findings: Findings) -> TypedGraph:
    """The types of all sound nodes; broken ones, and what depends on them, have none."""
    unnamed = frozenset(findings.broken)
    shapes = Shapes(graph, findings)
    shapes.run()
    sized = size_links(graph, shapes.read.uses, shapes.parameters, findings)
    plates = infer_plates(graph, findings)
    check_amounts(graph, shapes.events, shapes.parameters, plates, findings)
    check_weights(sized, shapes.read.uses, findings)
    supports = Supports(
        graph, shapes.dims, unnamed, shapes.read.ranks, shapes.read.classes, findings
    )
    supports.run()
    check_lookups(shapes.read.lookups, supports, findings)
    types = {
        node: Type(shape, supports.found[node], plates[node])
        for node, shape in shapes.events.items()
        if node in supports.found and node in plates
    }
    return TypedGraph(
        graph=graph,
        types=MappingProxyType(types),
        parameters=MappingProxyType(shapes.parameters),
        given=MappingProxyType(shapes.given),
        bases=MappingProxyType(shapes.bases),
        classes=MappingProxyType(shapes.read.classes),
        uses=tuple(shapes.read.uses),
        sized=MappingProxyType(sized),
    )
