"""Checks of functions that compare all rows of a batch, such as discrepancies."""

from __future__ import annotations

from specc.catalog.registry import FUNCTIONS
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.graph.constants import number_of
from specc.graph.findings import Findings
from specc.graph.graph import NETWORKS, Graph
from specc.graph.nodes import Node
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Call

IN_A_LOSS = 'write it in a loss, such as `objective: {{minimize: "{example}"}}`'


def check_row_function(graph: Graph, node: Node, call: Call, findings: Findings) -> None:
    """Check that the call is part of a loss and that its options are constant numbers."""
    entry = FUNCTIONS[call.function]
    if node.program != NETWORKS:
        reason = f"the value of `{node.name}` in one row cannot depend on the other rows"
        hint = IN_A_LOSS.format(example=entry.example)
        findings.add(row_function_error(call, reason, hint), node.id)
        return
    options = call.arguments[entry.numbers_from :] if entry.numbers_from is not None else ()
    for option in options:
        if number_of(option, graph.constants, lambda name: None) is None:
            reason = f"`{print_expression(option)}` is an option of it, and no number"
            hint = f"write such as `{entry.example}`"
            findings.add(row_function_error(call, reason, hint), node.id)


def row_function_error(call: Call, reason: str, hint: str) -> Diagnostic:
    """The diagnostic of an invalid call of such a function."""
    return diagnose("E0458", call.span, labels=(), name=call.function, reason=reason, hint=hint)
