"""Checks of the bijections of a node, and the support that they map onto."""

from __future__ import annotations

from collections.abc import Callable

from specc.catalog.elsewhere import alternative
from specc.catalog.other_names import canonical_name
from specc.catalog.registry import BIJECTIONS
from specc.catalog.supports import REAL, Support, contains, describe
from specc.diagnostics.diagnostic import Label
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import Graph
from specc.graph.nodes import Distributed, Node, Part
from specc.graph.passes.names import check_expression, check_inputs
from specc.graph.pieces import has_moving_ends
from specc.graph.queries import is_bijection
from specc.language.expressions.tree import Call, Expression
from specc.language.expressions.walk import calls


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
    elif call.arguments and not link.entry.takes_context(link.options):
        words = {"link": link.name, "kind": link.entry.name}
        words["hint"] = f"write `through: {link.name}`"
        findings.add(diagnose("E0618", call.span, labels=(), **words), node.id)
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


def transformed_support(graph: Graph, node: Node, support: Support, findings: Findings) -> Support:
    """The image of a base support under the bijections; each must map its input support."""
    reached = support
    for call in node.through:
        link = graph.links.get(call.function)
        if link is None or not is_bijection(link.entry):
            continue
        image = link.entry.image_of(link.options, reached)
        if image is None:
            words = {"link": link.name, "kind": link.entry.name, "found": describe(reached)}
            words["domain"] = describe(link.entry.of(link.options))
            findings.add(diagnose("E0326", call.span, labels=(), **words), node.id)
        reached = link.entry.onto(link.options) if image is None else image
    return reached


def has_moving_support(graph: Graph, node: Node) -> bool:
    """Whether the values that a node can have depend on a context of its bijections."""
    if isinstance(node, Part):
        return has_moving_ends(graph, graph.node((node.program, node.joint)), node.name)
    links = ((graph.links.get(call.function), call) for call in node.through)
    return any(
        link is not None and is_bijection(link.entry) and link.entry.moves and bool(call.arguments)
        for link, call in links
    )


def support_of_link(
    graph: Graph,
    node: Node,
    call: Call,
    of: Callable[[Node, Expression], Support],
    findings: Findings,
) -> Support:
    """The support of a link in an expression: real numbers, or the image under a bijection.

    The value of a bijection must be in its domain, and that of its inverse in its range.
    """
    link = graph.links.get(call.function)
    for inner in (each for argument in call.arguments for each in calls(argument)):
        if inner.function in graph.links:
            of(node, inner)
    if link is None or not is_bijection(link.entry) or not call.arguments:
        return REAL
    sides = link.entry.of(link.options), link.entry.onto(link.options)
    taken, made = sides[::-1] if call.inverted else sides
    found = of(node, call.arguments[0])
    if contains(taken, found):
        return made
    words = {"link": call.span.text, "kind": link.entry.name, "found": describe(found)}
    findings.add(
        diagnose("E0346", call.span, labels=(), **words, expected=describe(taken)), node.id
    )
    return made
