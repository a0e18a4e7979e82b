"""What a graph promises to the stages after it, checked; a breach is a bug of the compiler."""

from __future__ import annotations

from specc.graph.graph import MODEL, Graph, TypedGraph
from specc.graph.nodes import Distributed, Joint, Part, Unresolved
from specc.language.expressions.walk import names


def verify_graph(graph: Graph) -> None:
    """Every edge joins nodes, and every program's order lists each node after what it uses.

    Raises AssertionError.
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
                assert all(program.nodes[part].whole == name for part in node.parts), node.id
            if isinstance(node, Part):
                assert name in program.nodes[node.whole].parts, node.id
            for expression in node.expressions():
                for used in names(expression):
                    known = graph.lookup(program.name, used.id) or used.id in graph.constants
                    assert known or used.id in graph.plates, (node.id, used.id)


def verify_typed(typed: TypedGraph) -> None:
    """Every node has a type, every parameter of a density a shape, every link in use its sizes.

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
