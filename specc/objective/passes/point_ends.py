"""Checks of the ends of the support of a point, which a learnt number or a chain moves.

A point is one number. If its support is `high: 1 - a` and a guide draws `a`, there are draws for
which the point is outside of the support, and its density is 0. Ends that depend on data are
known for a latent of rows, from the columns of its own rows.
"""

from __future__ import annotations

from collections.abc import Mapping

from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.graph.ends import is_column, moving_ends, parents_of
from specc.graph.findings import Findings
from specc.graph.graph import ROWS, TypedGraph
from specc.graph.nodes import Node
from specc.objective.objective import Draw


def check_points(typed: TypedGraph, draws: Mapping[str, Draw], findings: Findings) -> None:
    """Report points between ends that a drawn latent determines (E0264), or other data (E0265)."""
    points = {name: draw for name, draw in draws.items() if draw.is_point}
    for name, draw in points.items():
        node = typed.graph.node((draw.program, name))
        if node.id in findings.broken or moving_ends(typed, node) is None:
            continue
        behind = parents_of(typed.graph, node)
        drawn = (n for n in behind if n.is_drawn and n.name not in points)
        other = next((n for n in drawn if _is_sampled(draws, n.name)), None)
        if other is not None:
            label = (Label(other.span, f"`{other.name}` is drawn"),)
            words = {"name": name, "other": other.name}
            findings.add(diagnose("E0264", node.span, labels=label, **words), node.id)
            continue
        for each in behind:
            if (reason := _unknown(typed, node, each)) and node.id not in findings.broken:
                label = (Label(each.span, f"`{each.name}` is declared here"),)
                words = {"name": name, "other": each.name, "reason": reason}
                findings.add(diagnose("E0265", node.span, labels=label, **words), node.id)


def _unknown(typed: TypedGraph, node: Node, data: Node) -> str:
    """Why a column does not determine the ends of a latent; "" if it does, or is no column."""
    if data.role not in ("given", "observed") or data.id not in typed.types:
        return ""
    if typed.types[node.id].plates != (ROWS,):
        return "and the latent does not have one value for each row"
    if typed.types[data.id].plates != (ROWS,):
        return "which does not have one value for each row"
    return "" if is_column(typed, data) else "whose values may be missing"


def _is_sampled(draws: Mapping[str, Draw], name: str) -> bool:
    """Whether a latent has random values: not a point, and not summed over."""
    return name not in draws or not draws[name].is_enumerated
