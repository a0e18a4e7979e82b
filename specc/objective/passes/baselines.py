"""Checks of learnt baselines, which must not depend on the draw whose gradient they are for."""

from __future__ import annotations

import networkx as nx

from specc.catalog.objective import Variant
from specc.graph.graph import ROWS, TypedGraph
from specc.graph.nodes import Node
from specc.objective.passes.shared import Problem

HINT = "name a node of the program with one number for each row, or leave `value:` out"


def baseline_problem(typed: TypedGraph, node: Node, value: str, variant: Variant) -> Problem | None:
    """Return why a node cannot be the learnt baseline of a draw, with the code E0478.

    A baseline that depends on the draw would bias the gradient.
    """
    reason = _reason(typed, node, value, variant)
    return ("E0478", {"name": node.name, "reason": reason, "hint": HINT}) if reason else None


def _reason(typed: TypedGraph, node: Node, value: str, variant: Variant) -> str:
    if value and not variant.learnt:
        return f"the baseline `{variant.name}` is not learnt, and `value:` names `{value}`"
    if not value:
        return ""
    program = typed.graph.programs[node.program]
    found = program.nodes.get(value)
    if found is None or found.is_random:
        role = "a random node" if found is not None else "no node"
        return f"`{value}` is {role} of the program `{node.program}`"
    own, kind = typed.types.get(node.id), typed.types.get(found.id)
    if own is None or kind is None:
        return ""  # reported already
    if set(own.plates) != {ROWS}:
        return f"each row has more than one `{node.name}`, or all rows share it"
    if kind.shape or set(kind.plates) - {ROWS}:
        return f"`{value}` is not one number for each row"
    if node.name in nx.ancestors(program.digraph, value):
        return f"`{value}` depends on it"
    return ""
