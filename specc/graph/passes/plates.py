"""What repeats each node: nothing (global), the data rows, or an indexed plate."""

from __future__ import annotations

from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import ROWS, Graph, Node, NodeId
from specc.language.expressions.tree import Expression, Index, Name
from specc.language.expressions.walk import children

Plates = dict[str, Name | Index | None]
"""The plates of an expression, each with the place that brings it in."""


def infer_plates(graph: Graph, findings: Findings) -> dict[NodeId, tuple[str, ...]]:
    """The plates of every sound node; a node under a plate that does not hold it is a finding."""
    found: dict[NodeId, tuple[str, ...]] = {}
    for program in graph.programs.values():
        for name in program.order:
            node = program.nodes[name]
            if node.id not in findings.broken:
                found[node.id] = _node(graph, node, found, findings)
    return found


def _node(
    graph: Graph, node: Node, found: dict[NodeId, tuple[str, ...]], findings: Findings
) -> tuple[str, ...]:
    used: Plates = {}
    for expression in node.expressions():
        for plate, place in _plates(graph, node, expression, found).items():
            used.setdefault(plate, place)
    own = _own(graph, node)
    if own is None:
        steps = tuple(plate for plate in used if plate in graph.scans)
        own = (ROWS, *steps) if steps and ROWS in used else steps or tuple(used)[:1]
    for plate, place in used.items():
        if plate not in own:
            _outside(graph, node, own, plate, place, findings)
            break
    return own


def _own(graph: Graph, node: Node) -> tuple[str, ...] | None:
    if node.shift is not None:
        base = graph.lookup(node.program, node.shift.base)
        return _own(graph, base) if base is not None else None
    if node.role == "parameter" and node.scan is not None:
        return (node.scan,)
    if node.scan is not None:
        return (ROWS, node.scan)
    if node.role == "given":
        return (ROWS,)
    if node.plate is not None:
        return (node.plate,)
    if node.role == "parameter" or node.is_global:
        return ()
    if node.role == "let":
        return None
    twin = graph.model.nodes.get(node.name)
    if twin is not None and twin is not node:
        return _own(graph, twin)
    return (ROWS,)


def _plates(
    graph: Graph, node: Node, expression: Expression, found: dict[NodeId, tuple[str, ...]]
) -> Plates:
    if isinstance(expression, Name):
        meant = graph.lookup(node.program, expression.id)
        plates = found.get(meant.id, ()) if meant is not None else ()
        return dict.fromkeys(plates, expression)
    inside = children(expression)
    if isinstance(expression, Index) and isinstance(expression.base, Name):
        meant = graph.lookup(node.program, expression.base.id)
        if meant is not None and meant.plate is not None:
            inside = expression.indices
    joined: Plates = {}
    for child in inside:
        for plate, place in _plates(graph, node, child, found).items():
            joined.setdefault(plate, place)
    return joined


def _outside(
    graph: Graph,
    node: Node,
    own: tuple[str, ...],
    plate: str,
    place: Name | Index | None,
    findings: Findings,
) -> None:
    assert isinstance(place, Name)
    meant = graph.lookup(node.program, place.id)
    assert meant is not None
    label = (Label(meant.span, f"`{meant.name}` is declared here"),)
    if plate == ROWS and not own:
        diagnostic = diagnose("E0310", place.span, labels=label, name=node.name, used=meant.name)
    else:
        plates = " and ".join("the data rows" if p == ROWS else f"`{p}`" for p in (*own, plate))
        diagnostic = diagnose(
            "E0311", place.span, labels=label, name=node.name, used=meant.name, plates=plates
        )
    findings.add(diagnostic, node.id)
