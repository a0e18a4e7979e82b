"""The nodes of a sequence that depend on each other through time, so that a loop is needed."""

from __future__ import annotations

import networkx as nx

from specc.codegen.plan import Factor, Input, Let, ProgramPlan
from specc.graph.graph import Program
from specc.graph.queries import with_lagged_edges


def loops(program: Program, lets_only: bool = False) -> tuple[tuple[str, ...], ...]:
    """Return the strongly connected components of the graph in time, each in the order of a step.

    With `lets_only` the values of random nodes are given, so that only deterministic nodes matter.
    """
    if not any(node.shift for node in program.nodes.values()):
        return ()
    digraph = with_lagged_edges(program)
    if lets_only:
        digraph = digraph.subgraph([n for n in digraph if _is_computed(program, n)])
    found = [c for c in nx.strongly_connected_components(digraph) if len(c) > 1]
    place = {name: i for i, name in enumerate(program.order)}
    ordered = [tuple(sorted(c, key=place.__getitem__)) for c in found]
    return tuple(sorted(ordered, key=lambda names: place[names[-1]]))


def _is_computed(program: Program, name: str) -> bool:
    node = program.nodes[name]
    if node.shift is not None:
        base = program.nodes.get(node.shift.base)
        return base is not None and base.role == "let"
    return node.role == "let"


def outside(program: ProgramPlan, names: tuple[str, ...]) -> tuple[Input, ...]:
    """Return the inputs from outside the loop that its nodes take."""
    items: list[Factor | Let] = [program.factors[n] for n in names if n in program.factors]
    items += [program.lets[n] for n in names if n in program.lets]
    taken = (n for i in items for n in i.inputs + (i.given if isinstance(i, Factor) else ()))
    return tuple(dict.fromkeys(name for name in taken if name not in names))


def starts(program: ProgramPlan, names: tuple[str, ...]) -> tuple[Input, ...]:
    """Return the inputs of the values before the first step."""
    lagged = (program.lagged[n] for n in names if n in program.lagged)
    return tuple(name for lagged in lagged for name in lagged.inputs)
