"""Whether the arguments of functions such as `cholesky` are in the supports that these require."""

from __future__ import annotations

from collections.abc import Set
from typing import Protocol

from specc.catalog.supports import Support, contains, describe
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import Graph
from specc.graph.nodes import Node, NodeId
from specc.graph.passes.support_errors import OF_MATRICES
from specc.language.expressions.tree import Call, Expression
from specc.language.expressions.walk import calls


class SupportReader(Protocol):
    """Gives the support of an expression of a node, and assumes that of data."""

    unnamed: Set[NodeId]

    def of(self, node: Node, expression: Expression) -> Support:
        """The support."""
        ...

    def assume_support(self, node: Node, expression: Expression, wanted: Support) -> bool:
        """Whether data of unknown support can be assumed to be in `wanted`; records that."""
        ...


def check_requirements(graph: Graph, supports: SupportReader, findings: Findings) -> None:
    """Refuses a call with an argument outside the support that the function requires."""
    for program in graph.programs.values():
        for name in program.order:
            node = program.nodes[name]
            if node.id in findings.broken or node.id in supports.unnamed:
                continue
            found = {call for expression in node.expressions() for call in calls(expression)}
            for call in sorted(found, key=lambda call: call.span.start):
                _check(graph, node, call, supports, findings)


def _check(
    graph: Graph, node: Node, call: Call, supports: SupportReader, findings: Findings
) -> None:
    entry = graph.functions.get(call.function)
    if entry is None:
        return
    for argument, wanted in zip(call.arguments, entry.requires, strict=False):
        if wanted is None or supports.assume_support(node, argument, wanted):
            continue
        given = supports.of(node, argument)
        if contains(wanted, given):
            continue
        text = argument.span.text
        hint = OF_MATRICES.get(wanted, f"map it there: softplus({text}) or exp({text})")
        finding = diagnose(
            "E0355",
            argument.span,
            function=call.function,
            expected=describe(wanted),
            expression=text,
            found=describe(given),
            hint=hint,
        )
        findings.add(finding, node.id)
        return
