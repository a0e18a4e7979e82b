"""The graph stage: names, order, shapes, links, plates, supports, in this order."""

from __future__ import annotations

from types import MappingProxyType

from specc.graph.findings import Findings
from specc.graph.graph import Graph, Type, TypedGraph
from specc.graph.passes.amounts import check_amounts, check_weights
from specc.graph.passes.copies import add_copies
from specc.graph.passes.cycles import order_nodes
from specc.graph.passes.links import size_links
from specc.graph.passes.plates import infer_plates
from specc.graph.passes.resolve import resolve
from specc.graph.passes.row_sources import infer_row_sources
from specc.graph.passes.shapes import infer_shapes
from specc.graph.passes.supports import infer_supports
from specc.language.schema.spec import Spec


def build_graph(spec: Spec, findings: Findings) -> Graph:
    """The graph of resolved names, with the nodes of each program in topological order."""
    return order_nodes(resolve(spec, findings), findings)


def type_graph(graph: Graph, findings: Findings) -> TypedGraph:
    """The types of all valid nodes; broken nodes and their descendants have none."""
    unnamed = frozenset(findings.broken)
    shaped = infer_shapes(graph, findings)
    sized = size_links(graph, shaped.uses, shaped.parameters, findings)
    plates = infer_plates(graph, findings)
    check_amounts(graph, shaped.events, shaped.parameters, plates, findings)
    check_weights(sized, shaped.uses, findings)
    supports = infer_supports(graph, shaped, unnamed, findings)
    types = {
        node: Type(shape, supports[node], plates[node])
        for node, shape in shaped.events.items()
        if node in supports and node in plates
    }
    typed = TypedGraph(
        graph=graph,
        types=MappingProxyType(types),
        parameters=shaped.parameters,
        given=shaped.given,
        bases=shaped.bases,
        classes=shaped.classes,
        uses=shaped.uses,
        sized=sized,
    )
    return infer_row_sources(add_copies(typed), findings)
