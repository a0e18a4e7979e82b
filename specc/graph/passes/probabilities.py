"""Probabilities that are written as numbers: each row of a table of them must sum to one."""

from __future__ import annotations

import math

from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import Graph, Node
from specc.graph.passes.sizes import list_of
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Expression, Index
from specc.language.nested import numbers, rows

TOLERANCE = 1e-6
"""How far the sum of a row may be from one: numbers are written with a few digits."""


def check_rows(graph: Graph, node: Node, key: str, written: Expression, findings: Findings) -> None:
    """Refuse a list, or a table that is indexed, of which a row is no distribution."""
    table = written
    while isinstance(table, Index):
        table = table.base
    values = list_of(table, graph.constants)
    if values is None:
        return
    for at, row in rows(values):
        total = math.fsum(numbers(row))
        if abs(total - 1.0) <= TOLERANCE:
            continue
        finding = diagnose(
            "E0343",
            written.span,
            expression=_row(table, at),
            parameter=key,
            name=node.name,
            total=f"{total:.7g}",
        )
        findings.add(finding, node.id)
        return


def _row(table: Expression, at: tuple[int, ...]) -> str:
    """`table[0, 2]`, the row at a place in a table."""
    shown = print_expression(table)
    return f"{shown}[{', '.join(map(str, at))}]" if at else shown
