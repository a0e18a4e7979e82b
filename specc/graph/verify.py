"""Checks of the invariants of graphs; a violation is a bug of the compiler."""

from __future__ import annotations

from specc.graph.graph import MODEL, Graph, TypedGraph
from specc.graph.nodes import Distributed, Joint, Part, Unresolved
from specc.language.expressions.walk import names


def verify_graph(graph: Graph) -> None:
    """Check that orders are topological and that every name in an expression is defined.

    Also checks that each joint node and its parts refer to each other. Raises AssertionError.
    """
    assert MODEL in graph.programs
    for program in graph.programs.values():
        assert set(program.order) == set(program.nodes), program.name
        place = {name: i for i, name in enumerate(program.order)}
        for before, after in program.digraph.edges:
            assert place[before] < place[after], (program.name, before, after)
        for name, node in program.nodes.items():
            assert node.id == (program.name, name)
            assert not isinstance(node, Unresolved), node.id
            if isinstance(node, Joint):
                assert node.parts, node.id
                assert all(program.nodes[part].joint == name for part in node.parts), node.id
            if isinstance(node, Part):
                assert name in program.nodes[node.joint].parts, node.id
            for expression in node.expressions():
                for used in names(expression):
                    known = graph.lookup(program.name, used.id) or used.id in graph.constants
                    assert known or used.id in graph.plates, (node.id, used.id)


def verify_typed(typed: TypedGraph) -> None:
    """Check that all nodes have types, parameters of distributions shapes, and used links sizes.

    Raises AssertionError.
    """
    graph = typed.graph
    for program in graph.programs.values():
        for node in program.nodes.values():
            kind = typed.types.get(node.id)
            assert kind is not None, node.id
            assert all(size >= 1 for size in kind.shape), (node.id, kind.shape)
            for parameter in node.entry.parameters if isinstance(node, Distributed) else ():
                assert (node.id, parameter.name) in typed.parameters, (node.id, parameter.name)
    assert {use.link for use in typed.uses} == set(typed.sized)
    assert set(typed.sized) <= set(graph.links)
