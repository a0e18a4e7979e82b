"""The check that no value of an improper distribution is drawn."""

from __future__ import annotations

from collections.abc import Mapping

from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import MODEL, TypedGraph
from specc.graph.nodes import Node


def check_proper(typed: TypedGraph, drawn_in: Mapping[str, str], findings: Findings) -> None:
    """Report nodes with an improper distribution of which a value would be drawn (E0498).

    `drawn_in` has the program that draws each node.
    """
    for program in typed.graph.programs.values():
        for node in program.nodes.values():
            if node.entry is None or not node.entry.improper:
                continue
            if node.id in findings.broken or node.id not in typed.types:
                continue
            reason = _reason(typed, node, drawn_in)
            if reason:
                kind = node.entry.name
                found = diagnose(
                    "E0498", node.span, name=node.name, distribution=kind, reason=reason
                )
                findings.add(found, node.id)


def _reason(typed: TypedGraph, node: Node, drawn_in: Mapping[str, str]) -> str:
    """Return why a value of the node would be drawn; empty if none is."""
    if node.role != "latent":
        return "data come from a distribution that integrates to one"
    if node.program != MODEL or node.is_copy:
        return f"the program `{node.program}` draws it"
    if typed.types[node.id].is_local:
        return "each row has its own value, and a new row would need a draw"
    program = drawn_in.get(node.name, MODEL)
    return "" if program == MODEL else f"the {program} draws it"
