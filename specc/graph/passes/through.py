"""Checks of the bijections of a node, and the support that they map onto."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from specc.catalog.bijection import Bijection
from specc.catalog.elsewhere import alternative
from specc.catalog.link import LinkOptions
from specc.catalog.other_names import canonical_name
from specc.catalog.registry import BIJECTIONS
from specc.catalog.supports import Support, contains, describe
from specc.diagnostics.diagnostic import Label
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import Graph
from specc.graph.nodes import Distributed, Node
from specc.graph.passes.names import check_expression, check_inputs
from specc.language.expressions.tree import Call

if TYPE_CHECKING:
    from specc.catalog.registry import Kind


def check_through(graph: Graph, node: Node, findings: Findings) -> None:
    """Checks that every step is a bijection of a continuous draw, with a valid context."""
    for call in node.through:
        _check_step(graph, node, call, findings)
        for argument in call.arguments:
            check_expression(graph, node, argument, findings)
    if node.through and isinstance(node, Distributed) and not node.entry.continuous:
        first = node.through[0]
        findings.add(
            diagnose("E0325", first.span, name=node.name, distribution=node.entry.name), node.id
        )


def _check_step(graph: Graph, node: Node, call: Call, findings: Findings) -> None:
    link = graph.links.get(call.function)
    if link is None:
        if graph.is_link(call.function):
            findings.broken.add(node.id)
        else:
            _unknown(graph, node, call, findings)
    elif not is_bijection(link.entry):
        label = (Label(link.span, f"declared here, {link.entry.name}"),)
        known = ", ".join(f"`{name}`" for name in BIJECTIONS)
        findings.add(
            diagnose(
                "E0615",
                call.function_span,
                labels=label,
                link=link.name,
                kind=link.entry.name,
                known=known,
            ),
            node.id,
        )
    elif call.arguments and not link.entry.conditional:
        findings.add(diagnose("E0618", call.span, link=link.name, kind=link.entry.name), node.id)
    elif call.arguments:
        check_inputs(graph, node, call, findings)


def _unknown(graph: Graph, node: Node, call: Call, findings: Findings) -> None:
    candidates = [name for name, link in graph.links.items() if is_bijection(link.entry)]
    guess = nearest(call.function, candidates)
    kind = canonical_name(call.function, BIJECTIONS)
    if guess is None and kind is not None:
        entry = BIJECTIONS[kind]
        hint = f"declare one: `links: {{f: {entry.example}}}`, and write `through: f`"
    else:
        declare = f"declare it under `links:`, such as `{call.function}: {{affine: true}}`"
        hint = "" if guess else alternative(call.function) or declare
    findings.add(
        diagnose("E0616", call.function_span, suggestion=guess, name=call.function, hint=hint),
        node.id,
    )


def is_bijection(entry: Kind) -> TypeGuard[Bijection[LinkOptions]]:
    """Whether a link is a bijection."""
    return isinstance(entry, Bijection)


def transformed_support(graph: Graph, node: Node, support: Support, findings: Findings) -> Support:
    """The range of the bijections for a base support; each domain must equal its input support."""
    reached = support
    for call in node.through:
        link = graph.links.get(call.function)
        if link is None or not is_bijection(link.entry):
            continue
        domain = link.entry.domain
        if not (contains(domain, reached) and contains(reached, domain)):
            findings.add(
                diagnose(
                    "E0326",
                    call.span,
                    link=link.name,
                    kind=link.entry.name,
                    domain=describe(domain),
                    found=describe(reached),
                ),
                node.id,
            )
        reached = link.entry.onto(link.options)
    return reached
