"""Copies of programs inside losses: draws of them, and their densities at other values.

A loss that uses `model.x` uses a draw of the model, including its observed nodes, by ancestral
sampling. The same loss may also use the data and draws of the guide, so the nodes of the draw of
the model are copies with names such as `model.x`. All references to the guide use the same draws
from the data: only deterministic nodes of the guide are copied.

`log_prob(guide.z, at=model)` is the density of the guide at a draw of the model: a copy of the
node `z` in which the names are those of the draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

import networkx as nx
from msgspec.structs import replace

from specc.catalog.registry import OBJECTIVES
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
    with_expressions,
)
from specc.graph.passes.references import losses
from specc.graph.queries import is_data, with_lagged_edges
from specc.language.expressions.tree import Call, Expression, Member, Name
from specc.language.expressions.walk import calls, names, rewrite
from specc.language.schema.objective import NamedObjective
from specc.language.schema.spec import Spec

T = TypeVar("T")


def add_copies(typed: TypedGraph) -> TypedGraph:
    """The graph with programs for all densities at other values and all draws that losses use."""
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
    """The referenced nodes of each program, by program."""
    found: dict[str, set[str]] = {}
    programs = (*graph.programs.values(), *evaluated)
    used = [name for program in programs for name in _used(program.nodes.values())]
    used += [name for program in evaluated for name in program.nodes]
    for name in used:
        owner, dot, inside = name.partition(".")
        if dot and owner in graph.declared and inside in graph.programs[owner].nodes:
            found.setdefault(owner, set()).add(inside)
    if graph.model.energy is not None and (MODEL in found or _draws_units(graph.spec)):
        found[MODEL] = {n for n, v in graph.model.nodes.items() if not isinstance(v, Given)}
    return {name: found[name] for name in graph.programs if name in found}


def _draws_units(spec: Spec) -> bool:
    """Whether a loss of the objective needs draws of the units of an energy."""
    written = (loss.written for loss in spec.document.losses())
    named = [own.name for own in written if isinstance(own, NamedObjective)]
    named += [call.function for loss in losses(spec) for call in calls(loss)]
    return any(name in OBJECTIVES and OBJECTIVES[name].contrastive for name in named)


def _used(nodes: Iterable[Node]) -> Iterator[str]:
    return (name.id for node in nodes for e in node.expressions() for name in names(e))


# draws


def _drawn(original: Program, wanted: set[str]) -> Program:
    """The draw of the nodes `wanted` of a program and of their ancestors."""
    ancestors = (nx.ancestors(with_lagged_edges(original), name) for name in wanted)
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
    """The name of a node in a draw of its program; data and draws of the guide keep their names."""
    node = original.nodes[name]
    drawn = original.name == GUIDE and node.is_variable
    return name if isinstance(node, Given) or drawn else f"{original.name}.{name}"


# densities at other values


def _densities(graph: Graph) -> dict[tuple[str, str], set[str]]:
    """The nodes of all densities in losses, by their program and the program of the values."""
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
    """The program of a density and the program of its values, or None.

    None stands for any other call, and for `log_prob` of the model or the guide without `at=`. A
    further program without `at=` is evaluated at its own draw.
    """
    member = call.arguments[0] if call.arguments else None
    if call.function != "log_prob" or not isinstance(member, Member):
        return None
    if call.at is not None:
        return member.program, call.at.id
    return None if member.program in (MODEL, GUIDE) else (member.program, member.program)


def _evaluated(graph: Graph, program: str, values: str, wanted: set[str]) -> Program:
    """A program with the densities of the nodes `wanted` of `program` at the values of `values`."""
    original = graph.programs[program]
    key = evaluated_at(program, values)
    called = {name: _value_at(graph, original, name, values, key) for name in original.nodes}
    called |= {name: name_at(graph, name, values) or name for name in original.inputs}
    called |= _same_in_draw(original, called)
    lets: set[str] = set()
    stack = list(wanted)
    while stack:
        for used in original.digraph.predecessors(stack.pop()):
            if called[used].startswith(f"{key}.") and used not in lets:
                lets.add(used)
                stack.append(used)
    order = [name for name in original.order if name in wanted or name in lets]
    return replace(_copy(original, key, order, called), is_evaluated=True)


def _value_at(graph: Graph, original: Program, name: str, values: str, key: str) -> str:
    """The name of the value of a node if its program is evaluated at the values of another."""
    node = original.nodes[name]
    if isinstance(node, Parameter):
        return f"{original.name}.{name}"
    if isinstance(node, Deterministic):
        return f"{key}.{name}"
    return name_at(graph, name, values) or name


def _same_in_draw(original: Program, called: Mapping[str, str]) -> dict[str, str]:
    """The names in a draw of the deterministic nodes whose arguments are those of the draw.

    They need no copy: features of the data are the same at any value of the label.
    """
    same: dict[str, str] = {}
    for name in original.order:
        node = original.nodes[name]
        if not isinstance(node, Deterministic):
            continue
        used = [each.id for e in node.expressions() for each in names(e)]
        if all(each in same or _is_same(original, each, called) for each in used):
            same[name] = _in_draw(original, name)
    return same


def _is_same(original: Program, name: str, called: Mapping[str, str]) -> bool:
    """Whether a name that is not of a deterministic node stands for its value in a draw."""
    if name not in original.nodes:
        return called.get(name, name) == name
    is_let = isinstance(original.nodes[name], Deterministic)
    return not is_let and called[name] == _in_draw(original, name)


def name_at(graph: Graph, name: str, values: str) -> str | None:
    """The name of the value of node `name` in the program `values`, or None if it has none.

    All programs, and `data`, have the data of the model.
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
    """The program `key` with copies of the nodes `order`, renamed by `called`."""
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
    """Renames nodes, and the names in their expressions, for a copy of their program."""

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
            case Part(joint=joint):
                return replace(found, program=self.key, name=name, joint=self._name(joint))
            case Lagged(shift=shift, initial=initial):
                base, nearer = self._name(shift.base), self._name(shift.nearer)
                shift = replace(shift, base=base, nearer=nearer)
                first = self._renamed(initial)
                return replace(found, program=self.key, name=name, shift=shift, initial=first)
            case _:
                return replace(found, program=self.key, name=name)


def _as_latent(node: Node) -> Node:
    """The node; an observed node or part becomes a latent."""
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
        draw=node.draw,
    )
