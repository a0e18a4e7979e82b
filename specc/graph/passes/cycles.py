"""Topological order of nodes, and errors for cycles with their path."""

from __future__ import annotations

from itertools import pairwise
from types import MappingProxyType

import networkx as nx
from msgspec.structs import replace

from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import Graph, Program
from specc.graph.nodes import Lagged
from specc.graph.queries import with_lagged_edges


def order_nodes(graph: Graph, findings: Findings) -> Graph:
    """Sorts the nodes of every program topologically.

    Among the topological orders it is the one nearest to the order of the spec.
    """
    programs = {name: _ordered(program, findings) for name, program in graph.programs.items()}
    return replace(graph, programs=MappingProxyType(programs))


def _ordered(program: Program, findings: Findings) -> Program:
    digraph = program.digraph
    in_cycles = [c for c in nx.strongly_connected_components(digraph) if len(c) > 1]
    for component in in_cycles:
        if not any((program.name, name) in findings.broken for name in component):
            _report(program, component, findings)
        findings.broken.update((program.name, name) for name in component)
    acyclic = digraph.copy()
    acyclic.remove_edges_from(nx.selfloop_edges(digraph))
    for component in in_cycles:
        inside = [(a, b) for a in component for b in digraph.successors(a) if b in component]
        acyclic.remove_edges_from(inside)
    place = {name: i for i, name in enumerate(program.nodes)}
    order = tuple(nx.lexicographical_topological_sort(acyclic, key=place.__getitem__))
    if any(isinstance(node, Lagged) for node in program.nodes.values()):
        _check_directions(program, findings)
        order = _through_time(program, order)
    return replace(program, order=order)


def _check_directions(program: Program, findings: Findings) -> None:
    """Checks that nodes which depend on each other through time run in the same direction."""
    for component in nx.strongly_connected_components(with_lagged_edges(program)):
        nodes = [program.nodes[name] for name in program.nodes if name in component]
        lagged = [node for node in nodes if isinstance(node, Lagged)]
        ahead, back = (
            [(n.name, n.shift.base) for n in lagged if (n.shift.offset > 0) == is_back]
            for is_back in (False, True)
        )
        if not ahead or not back or any(node.id in findings.broken for node in nodes):
            continue
        first, second = (program.nodes[found[0][1]] for found in (ahead, back))
        labels = (Label(first.span, f"`{ahead[0][0]}` is used"),)
        finding = diagnose("E0249", second.span, labels=labels, name=second.name, other=first.name)
        findings.add(finding, second.id)
        findings.broken.update((program.name, name) for name in component)


def _through_time(program: Program, order: tuple[str, ...]) -> tuple[str, ...]:
    """A topological order in which nodes that depend on each other through time are adjacent."""
    place = {name: i for i, name in enumerate(order)}
    together = nx.condensation(with_lagged_edges(program))
    members = nx.get_node_attributes(together, "members")
    first = {group: min(place[name] for name in names) for group, names in members.items()}
    groups = nx.lexicographical_topological_sort(together, key=first.__getitem__)
    return tuple(n for group in groups for n in sorted(members[group], key=place.__getitem__))


def _report(program: Program, component: set[str], findings: Findings) -> None:
    inside = program.digraph.subgraph(component)
    first = min(component, key=list(program.nodes).index)
    path = _shortest_cycle(inside, first)
    labels = tuple(Label(program.nodes[b].span, f"`{b}` uses `{a}`") for a, b in pairwise(path))
    findings.add(
        diagnose(
            "E0233",
            program.nodes[first].span,
            labels=labels[:6],
            name=first,
            path=" -> ".join(path),
        )
    )


def _shortest_cycle(inside: nx.DiGraph[str], start: str) -> list[str]:
    best: list[str] = []
    for successor in sorted(inside.successors(start)):
        path = nx.shortest_path(inside, successor, start)
        if not best or len(path) + 1 < len(best):
            best = [start, *path]
    return best
