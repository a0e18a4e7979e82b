"""Checks of functions of all rows of a batch, or of rows of earlier steps."""

from __future__ import annotations

from specc.catalog.registry import FUNCTIONS
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.graph.constants import number_of
from specc.graph.findings import Findings
from specc.graph.graph import NETWORKS, Graph
from specc.graph.nodes import Node
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Call, Member, Name

IN_A_LOSS = 'write it in a loss, such as `objective: {{minimize: "{example}"}}`'


def check_row_function(graph: Graph, node: Node, call: Call, findings: Findings) -> None:
    """Check that the call is part of a loss and that its options are constant numbers."""
    entry = FUNCTIONS[call.function]
    if node.program != NETWORKS:
        reason = f"the value of `{node.name}` in one row cannot depend on the other rows"
        hint = IN_A_LOSS.format(example=entry.example)
        findings.add(row_function_error(call, reason, hint), node.id)
        return
    if entry.remembers:
        _check_buffer(graph, node, call, findings)
        return
    options = call.arguments[entry.numbers_from :] if entry.numbers_from is not None else ()
    for option in options:
        if number_of(option, graph.constants, lambda name: None) is None:
            reason = f"`{print_expression(option)}` is an option of it, and no number"
            hint = f"write such as `{entry.example}`"
            findings.add(row_function_error(call, reason, hint), node.id)


def _check_buffer(graph: Graph, node: Node, call: Call, findings: Findings) -> None:
    """Check that a buffer has a node with a value for each row and a constant number of rows."""
    held, rows = call.arguments
    found = graph.lookup(node.program, held.id) if isinstance(held, Name) else None
    count = number_of(rows, graph.constants, lambda name: None)
    of, written = held.span.text, rows.span.text
    is_unknown = isinstance(held, Name) and found is None and held.id not in graph.constants
    if is_unknown or isinstance(held, Member):
        return  # reported by another check
    reason = ""
    if found is None or found.program == NETWORKS:
        reason = f"`{of}` is no node of a program"
        hint = (
            f"hold a node, as in `{call.function}(model.x, {written})`, and apply the rest to that"
        )
    elif found.role == "parameter" or found.is_global:
        reason = f"all rows share `{of}`"
        hint = f"write `{of}`, or a node with a value for each row"
    elif not isinstance(count, int) or count < 1:
        reason = f"`{written}` is no number of rows"
        hint = f"write an integer of at least 1, such as `{call.function}({of}, 1000)`"
    if reason:
        words = {"text": call.span.text, "reason": reason, "hint": hint}
        findings.add(diagnose("E0460", call.span, labels=(), **words), node.id)


def row_function_error(call: Call, reason: str, hint: str) -> Diagnostic:
    """The diagnostic of an invalid call of such a function."""
    return diagnose("E0458", call.span, labels=(), name=call.function, reason=reason, hint=hint)
