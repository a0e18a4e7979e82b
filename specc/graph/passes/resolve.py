"""The construction of the graph from the document, with all names resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import networkx as nx

from specc.catalog.entry import Distribution
from specc.catalog.other_names import suggested_name
from specc.catalog.registry import FUNCTIONS, KINDS
from specc.diagnostics.diagnostic import Label
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.constants import SIZE_OF
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, MODEL, NETWORKS, Graph, LinkNode, Program, Scan
from specc.graph.nodes import (
    Deterministic,
    Distributed,
    EnergyNode,
    Given,
    Lagged,
    Node,
    Parameter,
)
from specc.graph.passes.declare import declare
from specc.graph.passes.energies import derive_conditionals
from specc.graph.passes.fields import resolve_fields
from specc.graph.passes.functions import find_functions
from specc.graph.passes.joint import add_parts, check_joint
from specc.graph.passes.names import check_expression, check_used
from specc.graph.passes.plate_sizes import plate_sizes
from specc.graph.passes.plate_values import PlateValues
from specc.graph.passes.references import resolve_references
from specc.graph.passes.sequences import unroll_names
from specc.graph.passes.shared_nodes import share_nodes
from specc.graph.passes.through import check_through
from specc.language.expressions.tree import Call
from specc.language.expressions.walk import names
from specc.language.schema.document import Scan as ScanSpec
from specc.language.schema.link import average_of
from specc.language.schema.node import Node as NodeSpec
from specc.language.schema.spec import Path, Spec


def resolve(spec: Spec, findings: Findings) -> Graph:
    """The graph of the spec; reports undefined names."""
    document = spec.document
    programs = {
        name: _nodes(spec, name, nodes, findings) for name, nodes in _programs(spec).items()
    }
    constants = dict(document.constants)
    fields, links = resolve_fields(spec, findings), MappingProxyType(_links(spec))
    sizes = plate_sizes(spec, constants, fields, findings)
    scans = {
        name: Scan(sizes[name], plate.lengths, plate.is_ordered)
        for name, plate in document.plates.items()
        if isinstance(plate, ScanSpec)
    }
    plates = {name: size for name, size in sizes.items() if name not in scans}
    of_plates = PlateValues(sizes, scans, links, constants, findings)
    shared = share_nodes(of_plates.of_programs(programs))
    unrolled = unroll_names(shared, scans, spec.unread, constants, findings)
    resolved = resolve_references(spec, unrolled, fields, findings)
    if NETWORKS in resolved:
        resolved[NETWORKS] = of_plates.in_program(resolved[NETWORKS], resolved[MODEL])
    resolved = derive_conditionals(resolved, fields, constants, links, findings)
    graph = Graph(
        spec=spec,
        programs={name: _program(name, nodes, resolved) for name, nodes in resolved.items()},
        links=links,
        functions=find_functions(document, (n for p in resolved.values() for n in p.values())),
        plates=MappingProxyType(plates),
        scans=MappingProxyType(scans),
        constants=MappingProxyType(constants),
        fields=MappingProxyType(fields),
    )
    _check_clashes(graph, findings)
    _check_sources(graph, findings)
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
        name: declare(spec, program, name, node, (*path, name), findings)
        for name, node in nodes.items()
    }
    return add_parts(spec, found, nodes, findings)


def _program(
    name: str,
    nodes: Mapping[str, Node],
    programs: Mapping[str, Mapping[str, Node]],
) -> Program:
    digraph: nx.DiGraph[str] = nx.DiGraph()
    digraph.add_nodes_from(nodes)
    energy = next((node for node in nodes.values() if isinstance(node, EnergyNode)), None)
    units = () if energy is None else energy.units
    inputs: dict[str, None] = {}
    for node in nodes.values():
        if isinstance(node, Lagged) and node.shift.base not in nodes:
            inputs[node.shift.base] = None
        digraph.add_edges_from((node.name, part) for part in node.parts if part != node.name)
        for used in _mentioned(node):
            if used == node.name or used in node.parts:
                continue  # an entry or a part that comes before, not a dependency on itself
            if used in nodes:
                if node.name not in units or used not in units:
                    digraph.add_edge(used, node.name)
            elif name != MODEL and used in programs[MODEL]:
                inputs[used] = None
    return Program(name, MappingProxyType(dict(nodes)), digraph, (), tuple(inputs), energy=energy)


def _mentioned(node: Node) -> Iterator[str]:
    for expression in node.expressions():
        for found in names(expression):
            yield found.id


def _links(spec: Spec) -> dict[str, LinkNode]:
    return {name: _link(spec, name) for name in spec.document.links}


def _link(spec: Spec, name: str) -> LinkNode:
    """A link with its catalog entry; one that averages another has the entry of that link."""
    own = spec.document.links[name]
    average = average_of(own)
    source = own if average is None else spec.document.links[average.of]
    span = spec.spans.key(("links", name))
    return LinkNode(name, KINDS[source.kind], source.options, span, average)


def _check_lengths(graph: Graph, findings: Findings) -> None:
    """Checks that the lengths of a sequence are a scalar given node."""
    for name, scan in graph.scans.items():
        if scan.lengths is None:
            continue
        node = graph.model.nodes.get(scan.lengths)
        if isinstance(node, Given) and node.scan is None:
            continue
        if graph.is_unread(MODEL, scan.lengths):
            continue
        span = graph.spec.spans.value(("plates", name, "lengths"))
        given = [n.name for n in graph.model.nodes.values() if isinstance(n, Given)]
        guess = nearest(scan.lengths, given)
        example = f"{scan.lengths}: {{given: {scan.lengths}}}"
        hint = f"did you mean `{guess}`?" if guess else f"declare it in the model: `{example}`"
        findings.add(diagnose("E0245", span, name=scan.lengths, plate=name, hint=hint))


def _check_clashes(graph: Graph, findings: Findings) -> None:
    """Checks that no link, constant or plate has the name of a node.

    A guide also cannot compute or learn a value with the name of a random or given node of the
    model, or give that name to another data field. Further programs use data by `data.x`. The
    coverage of the guide reports a given node with the name of a drawn one (E0236).
    """
    for program in graph.programs.values():
        for name, node in program.nodes.items():
            if isinstance(node, Given) and program.name not in (MODEL, GUIDE):
                found = diagnose(
                    "E0256", node.span, program=program.name, name=name, field=node.field
                )
                findings.add(found, node.id)
            for kind, span in _other_meanings(graph, name):
                findings.add(diagnose("E0209", node.span, name=name, kind=kind), node.id)
                del span
            model_node = graph.model.nodes.get(name)
            if model_node is None or program.name == MODEL:
                continue
            other = isinstance(node, (Deterministic, Parameter)) or (
                isinstance(node, Given)
                and not model_node.is_drawn
                and node.field != getattr(model_node, "field", None)
            )
            if not other:
                continue
            if model_node.is_variable or isinstance(model_node, Given):
                kind = "value of the model"
                label = (Label(model_node.span, f"in the model it is {model_node.role}"),)
                findings.add(
                    diagnose("E0209", node.span, labels=label, name=name, kind=kind), node.id
                )


def _check_sources(graph: Graph, findings: Findings) -> None:
    """Checks that no source has the name of a plate, since a node names either by `plate:`."""
    for name in graph.sources:
        if name in graph.spec.document.plates:
            span = graph.spec.spans.key(graph.spec.data_path(name))
            findings.add(diagnose("E0520", span, name=name))


def _other_meanings(graph: Graph, name: str) -> Iterator[tuple[str, Span | None]]:
    if name in graph.links:
        yield "link", graph.links[name].span
    if name in graph.constants:
        yield "constant", None
    if name in graph.plates or name in graph.scans:
        yield "plate", None


def _check_node(graph: Graph, node: Node, findings: Findings) -> None:
    if _depends_on_unread(graph, node):
        findings.broken.add(node.id)
        return
    if isinstance(node, Distributed):
        _check_arguments(node, findings)
    else:
        _check_keys(graph, node, findings)
    if node.plate is not None and node.plate not in graph.plates:
        span = graph.spec.spans.value((*graph.spec.path_of(node.program, node.name), "plate"))
        guess = nearest(node.plate, [*graph.plates, *filter(None, graph.sources)])
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


def _check_keys(graph: Graph, node: Node, findings: Findings) -> None:
    """Reports parameters of a distribution on a node without one."""
    if not isinstance(node, (Deterministic, Parameter, Given)):
        return
    if node.program not in graph.declared or node.is_copy:
        return
    path, nodes = _programs(graph.spec)[node.program]
    if node.name not in nodes:
        return  # a node that the compiler derives
    for key, expression in nodes[node.name].arguments.items():
        span = graph.spec.spans.key((*path, node.name, key))
        finding = diagnose("E0206", span, key=key, role=node.role, name=node.name)
        findings.add(finding, node.id)
        check_expression(graph, node, expression, findings)


def _check_params(graph: Graph, node: Node, findings: Findings) -> None:
    """Checks that `params` is one link applied to nodes."""
    if node.params is None:
        return
    if isinstance(node.params, Call) and not _is_function(node.params):
        return
    findings.add(diagnose("E0317", node.params.span, name=node.name), node.id)


def _is_function(call: Call) -> bool:
    return call.function == SIZE_OF or call.function in FUNCTIONS


def _depends_on_unread(graph: Graph, node: Node) -> bool:
    """Whether the plate or the data field of a node could not be read."""
    unread = graph.spec.unread
    plates = [p for p in (node.plate, node.scan, node.plate_index) if p is not None]
    if any(unread.holds("plates", plate) for plate in plates):
        return True
    if node.field is None or node.field in graph.fields or node.program != MODEL:
        return False
    return graph.spec.is_field_unread(node.field)


def _check_arguments(node: Distributed, findings: Findings) -> None:
    entry = node.entry
    parameters = {p.name for p in entry.parameters}
    alternatives = {a.name: a.replaces for a in entry.alternatives}
    known = sorted(parameters | set(alternatives) | set(entry.options))
    given: dict[str, str] = {}
    for key in node.arguments:
        span = node.argument_spans[key]
        target = alternatives.get(key, key)
        if target not in parameters:
            guess = suggested_name(key, known)
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
    missing = set() if node.is_moved else parameters - set(given) - set(entry.defaults)
    _check_missing(node, entry, missing, findings)


def _check_missing(
    node: Distributed, entry: Distribution, missing: set[str], findings: Findings
) -> None:
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
