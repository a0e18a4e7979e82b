"""Whether the distributions that follow from an energy exist for all values of its parameters."""

from __future__ import annotations

from typing import Protocol

from specc.catalog.supports import Support, contains, describe
from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import Graph
from specc.graph.nodes import Node
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Expression
from specc.language.expressions.walk import calls


class SupportOf(Protocol):
    """Gives the support of an expression of a node."""

    def of(self, node: Node, expression: Expression) -> Support:
        """The support."""
        ...


def check_precisions(graph: Graph, supports: SupportOf, findings: Findings) -> None:
    """Warns of a unit with a parameter such as 1 / sqrt(a) where a may be negative."""
    units = (p.nodes[name] for p in graph.programs.values() for name in p.units if not p.copy_of)
    for unit in (unit for unit in units if unit.id not in findings.broken):
        derived = {call for e in unit.expressions() for call in calls(e)}
        for call in sorted(derived, key=lambda call: call.span.start):
            entry = graph.functions.get(call.function)
            inner = call.arguments[0] if call.arguments else None
            if entry is None or inner is None or contains(entry.domain, supports.of(unit, inner)):
                continue
            words = {
                "name": unit.name,
                "expression": print_expression(inner),
                "expected": describe(entry.domain),
                "found": describe(supports.of(unit, inner)),
            }
            label = Label(unit.span, f"`{unit.name}` is declared here")
            findings.add(diagnose("W0293", call.span, labels=(label,), **words))
            break
