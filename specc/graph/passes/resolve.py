"""Names and roles: a document becomes a graph, and every name in it means one thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import networkx as nx

from specc.catalog import kinds
from specc.catalog.distributions import index as distributions
from specc.catalog.elsewhere import lead
from specc.catalog.entry import Distribution
from specc.catalog.functions import index as functions
from specc.catalog.limits import MAX_SIZE, MAX_STEPS
from specc.catalog.other_names import meant
from specc.catalog.supports import NAMED, Support
from specc.diagnostics.diagnostic import Label
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.graph import MODEL, DrawChoice, Graph, LinkNode, Node, Program, Scan
from specc.graph.passes.amounts import too_large
from specc.graph.passes.fields import resolve_fields
from specc.graph.passes.joint import add_parts, check_joint
from specc.graph.passes.names import SIZE_OF, check_expression, check_used
from specc.graph.passes.sequences import unroll_names
from specc.graph.passes.sizes import number_of
from specc.graph.passes.through import check_through
from specc.language.expressions.tree import Call
from specc.language.expressions.walk import names
from specc.language.schema.document import Scan as ScanSpec
from specc.language.schema.node import Node as NodeSpec
from specc.language.schema.spec import Path, Spec


def resolve(spec: Spec, findings: Findings) -> Graph:
    """The graph of the spec; every name that means nothing is a finding."""
    document = spec.document
    programs = {
        name: _nodes(spec, name, nodes, findings) for name, nodes in _programs(spec).items()
    }
    constants = dict(document.constants)
    sizes = _plates(spec, constants, findings)
    scans = {
        name: Scan(sizes[name], plate.lengths)
        for name, plate in document.plates.items()
        if isinstance(plate, ScanSpec)
    }
    plates = {name: size for name, size in sizes.items() if name not in scans}
    programs = unroll_names(programs, scans, spec.unread, constants, findings)
    graph = Graph(
        spec=spec,
        programs={name: _program(name, nodes, programs) for name, nodes in programs.items()},
        links=MappingProxyType(_links(spec)),
        plates=MappingProxyType(plates),
        scans=MappingProxyType(scans),
        constants=MappingProxyType(constants),
        fields=MappingProxyType(resolve_fields(spec, findings)),
    )
    _check_clashes(graph, findings)
    _check_lengths(graph, findings)
    for program in graph.programs.values():
        for node in program.nodes.values():
            _check_node(graph, node, findings)
    if not findings.has_errors():
        check_used(graph, findings)
    return graph


def _programs(spec: Spec) -> dict[str, tuple[Path, Mapping[str, NodeSpec]]]:
    document = spec.document
    found: dict[str, tuple[Path, Mapping[str, NodeSpec]]] = {MODEL: ((MODEL,), document.model)}
    if document.guide is not None:
        found["guide"] = (("guide",), document.guide)
    for name, nodes in document.programs.items():
        found[name] = (("programs", name), nodes)
    return found


def _nodes(
    spec: Spec,
    program: str,
    located: tuple[Path, Mapping[str, NodeSpec]],
    findings: Findings,
) -> dict[str, Node]:
    path, nodes = located
    found = {
        name: _node(spec, program, name, node, (*path, name), findings)
        for name, node in nodes.items()
    }
    return add_parts(spec, found, nodes, findings)


def _node(
    spec: Spec, program: str, name: str, node: NodeSpec, path: Path, findings: Findings
) -> Node:
    span = spec.spans.key(path)
    entry, support = _head(spec, program, name, node, path, findings)
    keys = dict(node.arguments)
    options = {key: keys.pop(key) for key in tuple(keys) if entry and key in entry.options}
    spans = {key: spec.spans.key((*path, key)) for key in node.arguments}
    draw, missing = (
        DrawChoice(made.kind, dict(made.options), spec.spans.value((*path, key))) if made else None
        for key, made in (("draw", node.draw), ("missing", node.missing))
    )
    is_scan = isinstance(spec.document.plates.get(node.plate or ""), ScanSpec)
    init = tuple(node.init) if isinstance(node.init, (list, tuple)) else node.init
    return Node(
        program=program,
        name=name,
        role=node.role,
        span=span,
        entry=entry,
        arguments=MappingProxyType(keys),
        argument_spans=MappingProxyType(spans),
        params=node.params,
        value=node.head if node.role == "let" and not isinstance(node.head, str) else None,
        support=support,
        sizes=node.shape,
        options=MappingProxyType(options),
        plate=None if is_scan else node.plate,
        scan=node.plate if is_scan else None,
        initial=node.initial,
        reverse=node.reverse,
        plate_index=node.plate_index,
        is_global=node.is_global,
        field=_field(name, node),
        draw=draw,
        missing=missing,
        init=init,
        through=tuple(step for step in node.through if isinstance(step, Call)),
        parts=tuple(node.parts),
    )


def _field(name: str, node: NodeSpec) -> str | None:
    if node.role == "observed":
        return node.from_field or name
    return str(node.head) if node.role == "given" else None


def _head(
    spec: Spec, program: str, name: str, node: NodeSpec, path: Path, findings: Findings
) -> tuple[Distribution | None, Support | None]:
    """The catalog entry of a random node, or the support of a parameter."""
    head = str(node.head)
    span = spec.spans.value((*path, "distribution" if node.role == "joint" else node.role))
    if node.role in ("latent", "observed", "joint"):
        if distributions.contains(head):
            return distributions.distribution(head), None
        guess = meant(head, distributions.names())
        known = ", ".join(distributions.names())
        hint = "" if guess else lead(head) or f"the distributions are {known}"
        findings.add(
            diagnose("E0202", span, suggestion=guess, name=head, hint=hint), (program, name)
        )
    if node.role == "parameter":
        if head in NAMED:
            return None, NAMED[head]
        guess = nearest(head, NAMED)
        hint = "the sets are " + ", ".join(f"`{known}`" for known in NAMED if known != guess)
        findings.add(
            diagnose("E0203", span, suggestion=guess, name=head, hint="" if guess else hint),
            (program, name),
        )
    return None, None


def _program(
    name: str,
    nodes: Mapping[str, Node],
    programs: Mapping[str, Mapping[str, Node]],
) -> Program:
    digraph: nx.DiGraph[str] = nx.DiGraph()
    digraph.add_nodes_from(nodes)
    inputs: dict[str, None] = {}
    for node in nodes.values():
        if node.shift is not None and node.shift.base not in nodes:
            inputs[node.shift.base] = None
        digraph.add_edges_from((node.name, part) for part in node.parts if part != node.name)
        for used in _mentioned(node):
            if used == node.name:
                continue  # legal through a causal link alone, and no reason to come after itself
            if used in nodes:
                digraph.add_edge(used, node.name)
            elif name != MODEL and used in programs[MODEL]:
                inputs[used] = None
    return Program(name, MappingProxyType(dict(nodes)), digraph, (), tuple(inputs))


def _mentioned(node: Node) -> Iterator[str]:
    for expression in node.expressions():
        for found in names(expression):
            yield found.id


def _links(spec: Spec) -> dict[str, LinkNode]:
    return {
        name: LinkNode(name, kinds.kind(link.kind), link.options, spec.spans.key(("links", name)))
        for name, link in spec.document.links.items()
    }


def _plates(spec: Spec, constants: Mapping[str, object], findings: Findings) -> dict[str, int]:
    plates: dict[str, int] = {}
    for name, plate in spec.document.plates.items():
        size = plate.steps if isinstance(plate, ScanSpec) else plate
        value = number_of(size, constants, lambda name: None)
        if any(spec.unread.holds("constants", used.id) for used in names(size)):
            plates[name] = 1
            continue
        is_scan = isinstance(plate, ScanSpec)
        path = ("plates", name, "scan") if is_scan else ("plates", name)
        span = spec.spans.value(path)
        plates[name] = value if isinstance(value, int) and value >= 1 else 1
        if plates[name] != value:
            findings.add(diagnose("E0212", span, name=name, value=span.text))
        what, limit = ("steps", MAX_STEPS) if is_scan else ("elements", MAX_SIZE)
        found = too_large(f"the count of {what} of `{name}`", plates[name], span, limit)
        if found is not None:
            findings.add(found)
            plates[name] = 1
    return plates


def _check_lengths(graph: Graph, findings: Findings) -> None:
    """What says how many steps a row has is a number in the data."""
    for name, scan in graph.scans.items():
        if scan.lengths is None:
            continue
        node = graph.model.nodes.get(scan.lengths)
        if node is not None and node.role == "given" and node.scan is None:
            continue
        if graph.is_unread(MODEL, scan.lengths):
            continue
        span = graph.spec.spans.value(("plates", name, "lengths"))
        given = [n.name for n in graph.model.nodes.values() if n.role == "given"]
        guess = nearest(scan.lengths, given)
        example = f"{scan.lengths}: {{given: {scan.lengths}}}"
        hint = f"did you mean `{guess}`?" if guess else f"declare it in the model: `{example}`"
        findings.add(diagnose("E0245", span, name=scan.lengths, plate=name, hint=hint))


def _check_clashes(graph: Graph, findings: Findings) -> None:
    """A name of a link may not also be a node's, or an expression could mean two things.

    Nor may a random or given value of the model be computed or learnt anew under its name.
    """
    for program in graph.programs.values():
        for name, node in program.nodes.items():
            for kind, span in _other_meanings(graph, name):
                findings.add(diagnose("E0209", node.span, name=name, kind=kind), node.id)
                del span
            twin = graph.model.nodes.get(name)
            if twin is None or program.name == MODEL or node.role not in ("let", "parameter"):
                continue
            if twin.is_variable or twin.role == "given":
                kind = "value of the model"
                label = (Label(twin.span, f"in the model it is {twin.role}"),)
                findings.add(
                    diagnose("E0209", node.span, labels=label, name=name, kind=kind), node.id
                )


def _other_meanings(graph: Graph, name: str) -> Iterator[tuple[str, Span | None]]:
    if name in graph.links:
        yield "link", graph.links[name].span
    if name in graph.constants:
        yield "constant", None
    if name in graph.plates or name in graph.scans:
        yield "plate", None


def _check_node(graph: Graph, node: Node, findings: Findings) -> None:
    if _rests_on_unread(graph, node):
        findings.broken.add(node.id)
        return
    if node.entry is not None:
        _check_arguments(node, node.entry, findings)
    elif node.role in ("let", "given", "parameter"):
        for key in node.arguments:
            findings.add(
                diagnose(
                    "E0206",
                    node.argument_spans[key],
                    key=key,
                    role=node.role,
                    name=node.name,
                ),
                node.id,
            )
    if node.plate is not None and node.plate not in graph.plates:
        span = graph.spec.spans.value((*graph.spec.path_of(node.program, node.name), "plate"))
        guess = nearest(node.plate, graph.plates)
        declare = f"declare it: `plates: {{{node.plate}: 100}}`"
        if graph.plates or graph.scans:
            declare = f"declare it under `plates:`, as `{node.plate}: 100`"
        if node.role == "observed":
            declare = "delete `plate:`; each row of the data has its own value"
        hint = "" if guess else declare
        findings.add(
            diagnose("E0211", span, suggestion=guess, name=node.plate, hint=hint),
            node.id,
        )
    for expression in node.own_expressions():
        check_expression(graph, node, expression, findings)
    _check_params(graph, node, findings)
    check_joint(graph, node, findings)
    check_through(graph, node, findings)


def _check_params(graph: Graph, node: Node, findings: Findings) -> None:
    """`params` is one link applied to nodes; an unknown one is told of already."""
    if node.params is None:
        return
    if isinstance(node.params, Call) and not _is_function(node.params):
        return
    findings.add(diagnose("E0317", node.params.span, name=node.name), node.id)


def _is_function(call: Call) -> bool:
    return call.function == SIZE_OF or functions.contains(call.function)


def _rests_on_unread(graph: Graph, node: Node) -> bool:
    """Whether the plate or the data of a node could not be read."""
    unread = graph.spec.unread
    plates = [p for p in (node.plate, node.scan, node.plate_index) if p is not None]
    if any(unread.holds("plates", plate) for plate in plates):
        return True
    if node.field is None or node.field in graph.fields or node.program != MODEL:
        return False
    return unread.holds("data", "fields", node.field)


def _check_arguments(node: Node, entry: Distribution, findings: Findings) -> None:
    parameters = {p.name for p in entry.parameters}
    alternatives = {a.name: a.replaces for a in entry.alternatives}
    known = sorted(parameters | set(alternatives) | set(entry.options))
    given: dict[str, str] = {}
    for key in node.arguments:
        span = node.argument_spans[key]
        target = alternatives.get(key, key)
        if target not in parameters:
            guess = meant(key, known)
            hint = "" if guess else "it has " + ", ".join(f"`{name}`" for name in known)
            findings.add(
                diagnose(
                    "E0204",
                    span,
                    suggestion=guess,
                    name=key,
                    distribution=entry.name,
                    hint=hint,
                ),
                node.id,
            )
        elif target in given:
            findings.add(
                diagnose("E0207", span, name=key, other=given[target], node=node.name), node.id
            )
        given[target] = key
    _check_missing(node, entry, parameters - set(given) - set(entry.defaults), findings)


def _check_missing(node: Node, entry: Distribution, missing: set[str], findings: Findings) -> None:
    if node.params is not None or not missing or node.id in findings.broken:
        if node.params is not None and not missing:
            findings.add(diagnose("E0208", node.span, name=node.name), node.id)
        return
    ordered = [p.name for p in entry.parameters if p.name in missing]
    findings.add(
        diagnose(
            "E0205",
            node.span,
            name=node.name,
            distribution=entry.name,
            missing=" and ".join(f"`{m}`" for m in ordered),
            first=ordered[0],
        ),
        node.id,
    )
