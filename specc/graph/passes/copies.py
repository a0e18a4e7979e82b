"""Copies of programs inside losses: draws of them, and their densities at other values.

A loss that uses `model.x` takes a draw of the model: each node is drawn after those that it
depends on (ancestral sampling), the observed ones, too. The data and the draws of the guide may be
in use beside it, so the nodes of the draw are copies, with the program's name and a dot before
theirs. What the guide draws from the data is one draw wherever it is used: of the guide, only
deterministic nodes are copied.

`log_prob(guide.z, at=model)` is the density of the guide at a draw of the model: a copy of the
node whose names are those of the values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

import networkx as nx

from specc.graph.graph import (
    DATA,
    GUIDE,
    MODEL,
    Graph,
    Program,
    TypedGraph,
    draw_of,
    evaluated_at,
)
from specc.graph.nodes import (
    Deterministic,
    Given,
    Joint,
    Lagged,
    Latent,
    Node,
    NodeId,
    Observed,
    Parameter,
    Part,
)
from specc.graph.passes.references import losses, with_expressions
from specc.graph.queries import in_time, is_data
from specc.language.expressions.tree import Call, Expression, Member, Name
from specc.language.expressions.walk import calls, names, rewrite

T = TypeVar("T")


def add_copies(typed: TypedGraph) -> TypedGraph:
    """The graph with every density at other values, and every draw that something refers to."""
    graph = typed.graph
    evaluated = [_evaluated(graph, *each, wanted) for each, wanted in _densities(graph).items()]
    referred = _referred(graph, evaluated)
    copies = [*evaluated, *(_drawn(graph.programs[n], found) for n, found in referred.items())]
    if not copies:
        return typed
    programs = {**graph.programs, **{copy.name: copy for copy in copies}}
    origins = {
        (copy.name, copy.names[name]): (copy.copy_of, name)
        for copy in copies
        for name in copy.names
        if copy.names[name] in copy.nodes
    }
    users: dict[NodeId, list[NodeId]] = {}
    for own, original in origins.items():
        users.setdefault(original, []).append(own)
    return replace(
        typed,
        graph=replace(graph, programs=MappingProxyType(programs)),
        types=_with_copies(typed.types, origins),
        bases=_with_copies(typed.bases, origins),
        classes=_with_copies(typed.classes, origins),
        parameters=_of_parameters(typed.parameters, users),
        given=_of_parameters(typed.given, users),
    )


def _with_copies(
    values: Mapping[NodeId, T], origins: Mapping[NodeId, NodeId]
) -> Mapping[NodeId, T]:
    found = {copy: values[each] for copy, each in origins.items() if each in values}
    return MappingProxyType({**values, **found})


def _of_parameters(
    values: Mapping[tuple[NodeId, str], T], users: Mapping[NodeId, list[NodeId]]
) -> Mapping[tuple[NodeId, str], T]:
    more = {
        (copy, parameter): value
        for (node, parameter), value in values.items()
        for copy in users.get(node, ())
    }
    return MappingProxyType({**values, **more})


def _referred(graph: Graph, evaluated: Iterable[Program]) -> dict[str, set[str]]:
    """Each program of which a draw is used, with the names of the nodes that are."""
    found: dict[str, set[str]] = {}
    programs = (*graph.programs.values(), *evaluated)
    used = [name for program in programs for name in _used(program.nodes.values())]
    used += [name for program in evaluated for name in program.nodes]
    for name in used:
        owner, dot, inside = name.partition(".")
        if dot and owner in graph.declared and inside in graph.programs[owner].nodes:
            found.setdefault(owner, set()).add(inside)
    return {name: found[name] for name in graph.programs if name in found}


def _used(nodes: Iterable[Node]) -> Iterator[str]:
    return (name.id for node in nodes for e in node.expressions() for name in names(e))


# draws


def _drawn(original: Program, wanted: set[str]) -> Program:
    """The draw of some nodes, and of all that these are drawn after."""
    ancestors = (nx.ancestors(in_time(original), name) for name in wanted)
    needed = wanted.union(*ancestors)
    called = {name: _in_draw(original, name) for name in original.nodes}
    order = [n for n in original.order if n in needed and _is_copied(original, n)]
    return _copy(original, draw_of(original.name), order, called)


def _is_copied(original: Program, name: str) -> bool:
    node = original.nodes[name]
    if isinstance(node, (Parameter, Given)):
        return False
    return original.name != GUIDE or isinstance(node, Deterministic)


def _in_draw(original: Program, name: str) -> str:
    """What a name of a program is called in a draw of it: the data keep theirs."""
    node = original.nodes[name]
    drawn = original.name == GUIDE and node.is_variable
    return name if isinstance(node, Given) or drawn else f"{original.name}.{name}"


# densities at other values


def _densities(graph: Graph) -> dict[tuple[str, str], set[str]]:
    """The programs of densities and those of their values, with the nodes that they are of."""
    found: dict[tuple[str, str], set[str]] = {}
    for call in (call for loss in losses(graph.spec) for call in calls(loss)):
        member = density_at(call)
        if member is None:
            continue
        program, values = member
        node = call.arguments[0]
        assert isinstance(node, Member)
        is_there = program in graph.declared and node.name in graph.programs[program].nodes
        if is_there and (values == DATA or values in graph.declared):
            found.setdefault((program, values), set()).add(node.name)
    return found


def density_at(call: Call) -> tuple[str, str] | None:
    """The program of a density and that of its values; None for those of the data and the guide.

    A further program has its density at its own draw, where the spec does not say otherwise.
    """
    member = call.arguments[0] if call.arguments else None
    if call.function != "log_prob" or not isinstance(member, Member):
        return None
    if call.at is not None:
        return member.program, call.at.id
    return None if member.program in (MODEL, GUIDE) else (member.program, member.program)


def _evaluated(graph: Graph, program: str, values: str, wanted: set[str]) -> Program:
    """The densities of some nodes of a program, at the values of another."""
    original = graph.programs[program]
    key = evaluated_at(program, values)
    called = {name: _value_at(graph, original, name, values, key) for name in original.nodes}
    called |= {name: name_at(graph, name, values) or name for name in original.inputs}
    lets: set[str] = set()
    stack = list(wanted)
    while stack:
        for used in original.digraph.predecessors(stack.pop()):
            if isinstance(original.nodes[used], Deterministic) and used not in lets:
                lets.add(used)
                stack.append(used)
    order = [name for name in original.order if name in wanted or name in lets]
    return replace(_copy(original, key, order, called), is_evaluated=True)


def _value_at(graph: Graph, original: Program, name: str, values: str, key: str) -> str:
    """What holds the value of a node, where a program is evaluated at the values of another."""
    node = original.nodes[name]
    if isinstance(node, Parameter):
        return f"{original.name}.{name}"
    if isinstance(node, Deterministic):
        return f"{key}.{name}"
    return name_at(graph, name, values) or name


def name_at(graph: Graph, name: str, values: str) -> str | None:
    """The name of the value that a program has for a node; None where it has none.

    The guide and `data` have the data of the model beside what the guide draws.
    """
    known = graph.model.nodes.get(name)
    is_given = known is not None and is_data(known)
    if values in (DATA, GUIDE):
        guide = graph.guide.nodes if graph.guide is not None and values == GUIDE else {}
        return name if is_given or name in guide else None
    node = graph.programs[values].nodes.get(name)
    if node is None:
        return name if is_given else None
    return name if isinstance(node, Given) else f"{values}.{name}"


# copies


def _copy(original: Program, key: str, order: list[str], called: Mapping[str, str]) -> Program:
    """Copies of some nodes, with other names."""
    renaming = _Renaming(key, called)
    nodes = {called[name]: renaming.node(original.nodes[name]) for name in order}
    copied: nx.DiGraph[str] = nx.DiGraph()
    copied.add_nodes_from(nodes)
    edges = original.digraph.subgraph(order).edges
    copied.add_edges_from((called[a], called[b]) for a, b in edges)
    return Program(
        name=key,
        nodes=MappingProxyType(nodes),
        digraph=copied,
        order=tuple(nodes),
        inputs=tuple(dict.fromkeys(n for n in _used(nodes.values()) if n not in nodes)),
        copy_of=original.name,
        names=MappingProxyType(dict(called)),
    )


class _Renaming:
    """Gives nodes of a program the names of a copy."""

    def __init__(self, key: str, called: Mapping[str, str]) -> None:
        self.key, self.called = key, called

    def _name(self, name: str) -> str:
        return self.called.get(name, name)

    def _renamed(self, expression: Expression) -> Expression:
        def change(part: Expression) -> Expression | None:
            return replace(part, id=self._name(part.id)) if isinstance(part, Name) else None

        return rewrite(expression, change)

    def node(self, node: Node) -> Node:
        """The copy of a node."""
        found = with_expressions(_as_latent(node), self._renamed)
        name = self._name(node.name)
        match found:
            case Joint(parts=parts):
                parts = tuple(self._name(part) for part in parts)
                return replace(found, program=self.key, name=name, parts=parts)
            case Part(whole=whole):
                return replace(found, program=self.key, name=name, whole=self._name(whole))
            case Lagged(shift=shift, initial=initial):
                shift = replace(shift, base=self._name(shift.base))
                first = self._renamed(initial)
                return replace(found, program=self.key, name=name, shift=shift, initial=first)
            case _:
                return replace(found, program=self.key, name=name)


def _as_latent(node: Node) -> Node:
    """The node as one that is drawn, and not in the data."""
    if isinstance(node, Part):
        return replace(node, role="latent")
    if not isinstance(node, Observed):
        return node
    return Latent(
        program=node.program,
        name=node.name,
        span=node.span,
        plate=node.plate,
        scan=node.scan,
        arguments=node.arguments,
        argument_spans=node.argument_spans,
        options=node.options,
        params=node.params,
        through=node.through,
        entry=node.entry,
        sizes=node.sizes,
        initial=node.initial,
        reverse=node.reverse,
    )
