"""The plates of each node: none (global), the data rows, or an indexed plate."""

from __future__ import annotations

from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import MODEL, ROWS, Graph
from specc.graph.nodes import Deterministic, Given, Lagged, Node, NodeId, Parameter
from specc.graph.passes.joint import is_shared, of_latents
from specc.graph.passes.plate_advice import called, global_hint, outside_hint
from specc.graph.queries import plate_node
from specc.language.expressions.tree import Expression, Index, Name, Over
from specc.language.expressions.walk import fold, names

Plates = dict[str, Name | Index | None]
"""The plates of an expression, each with the span of the name that introduces it."""


def infer_plates(graph: Graph, findings: Findings) -> dict[NodeId, tuple[str, ...]]:
    """The plates of all valid nodes; reports uses of nodes on other plates."""
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
        _check_reduction(graph, node, expression, found, findings)
        for plate, place in _plates(graph, node, expression, found).items():
            used.setdefault(plate, place)
    own = _own(graph, node)
    if isinstance(node, Lagged):
        _check_start(graph, node, used, findings)
        return own or ()
    if own is None:
        steps = tuple(plate for plate in used if plate in graph.scans)
        own = (ROWS, *steps) if steps and ROWS in used else steps or tuple(used)[:1]
    _check_model_node(graph, node, own, findings)
    for plate, place in used.items():
        if plate not in own:
            _outside(graph, node, own, plate, place, findings)
            break
    return own


def _own(graph: Graph, node: Node) -> tuple[str, ...] | None:
    if node.scan is not None:
        computed = isinstance(node, (Deterministic, Lagged)) and not _is_of_rows(graph, node)
        return (node.scan,) if computed or isinstance(node, Parameter) else (ROWS, node.scan)
    if isinstance(node, Given):
        return (ROWS,)
    if node.plate is not None:
        return (node.plate,)
    if isinstance(node, Parameter) or node.is_global:
        return ()
    if isinstance(node, Deterministic):
        return None
    in_model = graph.model.nodes.get(node.name)
    if in_model is not None and in_model is not node:
        return _own(graph, in_model)
    latents = of_latents(graph, node)
    return () if latents and all(map(is_shared, latents)) else (ROWS,)


def _check_model_node(graph: Graph, node: Node, own: tuple[str, ...], findings: Findings) -> None:
    """Checks that a latent has the same plates in the guide and in the model."""
    in_model = graph.model.nodes.get(node.name)
    if node.program == MODEL or in_model is None or not node.is_random or not in_model.is_variable:
        return
    wanted = _own(graph, in_model)
    if wanted is None or wanted == own:
        return
    label = (Label(in_model.span, f"in the model: {_repeated(wanted)}"),)
    words = {"found": _repeated(own), "expected": _repeated(wanted)}
    findings.add(diagnose("E0331", node.span, labels=label, name=node.name, **words), node.id)


def _repeated(plates: tuple[str, ...]) -> str:
    """The repetition in words: `each row`, `each element of users`, `all rows together`."""
    if not plates:
        return "one for all rows"
    words = ["each row" if p == ROWS else f"each element of `{p}`" for p in plates]
    return "one for " + " and ".join(words)


def _is_of_rows(graph: Graph, node: Node) -> bool:
    """Whether a node of a sequence has a value for each row, because of its ancestors.

    A reverse sequence begins at the last step of each row.
    """
    seen, stack = {node.id}, [node]
    while stack:
        current = stack.pop()
        used = [name.id for e in current.expressions() for name in names(e)]
        if isinstance(current, Lagged):
            used.append(current.shift.base)
            ragged = current.scan is not None and graph.scans[current.scan].lengths is not None
            if ragged and current.shift.offset > 0:
                return True
        for name in used:
            found = graph.lookup(current.program, name)
            if found is None or found.id in seen:
                continue
            seen.add(found.id)
            if isinstance(found, (Deterministic, Lagged)):
                stack.append(found)
            elif ROWS in (_own(graph, found) or ()):
                return True
    return False


def _check_start(graph: Graph, node: Lagged, used: Plates, findings: Findings) -> None:
    """Checks that the value before the first step does not depend on the step."""
    for plate, place in used.items():
        base = graph.lookup(node.program, node.shift.base)
        assert base is not None
        if plate in graph.plates:
            _outside(graph, base, _own(graph, base) or (), plate, place, findings)
            findings.broken.add(node.id)
            return
        if plate != ROWS and place is not None:
            label = (Label(base.span, "declared here"),)
            used_name = place.span.text
            finding = diagnose(
                "E0248", place.span, labels=label, name=base.name, used=used_name, plate=plate
            )
            findings.add(finding, node.id)
            return


def _plates(
    graph: Graph, node: Node, expression: Expression, found: dict[NodeId, tuple[str, ...]]
) -> Plates:
    def combine(part: Expression, inside: tuple[Plates, ...]) -> Plates:
        if isinstance(part, Name):
            used = graph.lookup(node.program, part.id)
            return dict.fromkeys(found.get(used.id, ()) if used is not None else (), part)
        if isinstance(part, Index) and plate_node(graph, node.program, part.base) is not None:
            inside = inside[1:]
        joined: Plates = {}
        for plates in inside:
            for plate, place in plates.items():
                joined.setdefault(plate, place)
        if isinstance(part, Over):
            joined.pop(part.plate, None)
        return joined

    return fold(expression, combine)


def _check_reduction(
    graph: Graph,
    node: Node,
    expression: Expression,
    found: dict[NodeId, tuple[str, ...]],
    findings: Findings,
) -> None:
    """Checks that the operand of a reduction has a value on each element of the plate."""
    if not isinstance(expression, Over) or not isinstance(expression.operand, Name):
        return
    used = graph.lookup(node.program, expression.operand.id)
    if used is None or used.id not in found or node.id in findings.broken:
        return
    operand, is_made = expression.operand, used.span == expression.operand.span
    inside = [plate for e in used.expressions() for plate in _plates(graph, used, e, found)]
    if expression.plate in (inside if is_made else found[used.id]):
        return  # a node that is made for the operand is on the plate in any case
    label = () if is_made else (Label(used.span, "declared here"),)
    words = {"text": expression.span.text, "operand": operand.span.text, "plate": expression.plate}
    findings.add(diagnose("E0259", operand.span, labels=label, **words), node.id)


def _outside(
    graph: Graph,
    node: Node,
    own: tuple[str, ...],
    plate: str,
    place: Name | Index | None,
    findings: Findings,
) -> None:
    assert isinstance(place, Name)
    used = graph.lookup(node.program, place.id)
    assert used is not None
    label = (Label(used.span, f"`{used.name}` is declared here"),)
    if plate == ROWS and not own:
        hint = global_hint(graph, node)
        words = {"name": node.name, "used": used.name, "hint": hint}
        diagnostic = diagnose("E0310", place.span, labels=label, **words)
    else:
        words = {"name": node.name, "used": used.name}
        words["plates"] = " and ".join(map(called, own or ("",))) + f" and {called(plate)}"
        words["hint"] = outside_hint(graph, node, own, plate, used)
        diagnostic = diagnose("E0311", place.span, labels=label, **words)
    findings.add(diagnostic, node.id)
