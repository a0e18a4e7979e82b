"""Diagnostics of incompatible sizes."""

from __future__ import annotations

import math

from specc.catalog.arithmetic import show
from specc.catalog.entry import Shape
from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.graph import MODEL, Graph, LinkUse
from specc.graph.nodes import Distributed, Node, Part
from specc.graph.passes.events import Conflict
from specc.graph.queries import parameter_of


def other_shape(graph: Graph, node: Node, found: Shape, expected: Shape) -> Diagnostic:
    """The diagnostic of a `shape:` that differs from that of the data or of the model node."""
    path = (*graph.spec.path_of(node.program, node.name), "shape")
    if isinstance(node, Part):
        path = (*graph.spec.path_of(node.program, node.joint), "shapes", node.name)
    span, words = graph.spec.spans.value(path), (show(found), show(expected))
    if node.program != MODEL:
        return _guide_shape(graph, node, span, *words)
    field = graph.fields[node.field or ""]
    label = (Label(field.span, "the field"),)
    return diagnose(
        "E0315",
        span,
        labels=label,
        name=node.name,
        field=field.name,
        found=words[0],
        expected=words[1],
    )


def _guide_shape(graph: Graph, node: Node, span: Span, found: str, expected: str) -> Diagnostic:
    label = (Label(graph.model.nodes[node.name].span, "in the model"),)
    return diagnose("E0308", span, labels=label, name=node.name, found=found, expected=expected)


def conflict_of(graph: Graph, node: Distributed, conflict: Conflict) -> Diagnostic:
    """The diagnostic of two different sizes of a node that must be equal."""
    found, wanted = show(conflict.shape), show(conflict.wanted)
    if conflict.parameter == "shape":
        if node.program != MODEL and node.name in graph.model.nodes:
            return _guide_shape(graph, node, node.span, found, wanted)
        return diagnose("E0321", node.span, name=node.name, found=found, expected=wanted)
    span = _argument_span(node, conflict.parameter)
    label = (Label(node.span, f"`{node.name}` is declared here"),) if span != node.span else ()
    if _is_of_classes(node, conflict):
        return diagnose(
            "E0314",
            span,
            labels=label,
            name=node.name,
            parameter=conflict.parameter,
            classes=conflict.wanted[-1],
            found=conflict.shape[-1],
        )
    return diagnose(
        "E0301",
        span,
        labels=label,
        name=node.name,
        parameter=conflict.parameter,
        found=found,
        **_wanted(node, conflict),
    )


def _wanted(node: Distributed, conflict: Conflict) -> dict[str, str]:
    """What the shape of a parameter should be, and the fix.

    The entries of one draw, such as those of `ordered(normal)`, share a parameter without dims:
    it has the shape of the draws.
    """
    dims = {each.name: each.dims for each in node.entry.parameters}
    if node.entry.result_dims and dims.get(conflict.parameter) == ():
        whole = f"make its shape {show(conflict.wanted)}, one value for each draw"
        return {
            "reason": f"all entries of a draw of `{node.entry.name}` share one value of it",
            "hint": whole if conflict.wanted else "write one number",
        }
    return {
        "reason": f"`{node.name}` has shape {show(conflict.wanted)}",
        "hint": "make the two agree, or write a number for all entries alike",
    }


def _is_of_classes(node: Distributed, conflict: Conflict) -> bool:
    """Whether the conflicting sizes are numbers of classes."""
    known = (p for p in node.entry.parameters if p.name == conflict.parameter)
    dims = next((p.dims for p in known), ())
    of_option = bool(dims) and dims[-1] in node.entry.options.values()
    return of_option and conflict.shape[-1] != conflict.wanted[-1]


def _argument_span(node: Distributed, parameter: str) -> Span:
    for key, expression in node.arguments.items():
        if parameter_of(node.entry, key)[0].name == parameter:
            return expression.span
    return node.argument_spans.get(parameter, node.span)


def check_links_agree(uses: list[LinkUse], findings: Findings) -> None:
    """Checks that all uses of a link have the sizes of the first."""
    first: dict[str, LinkUse] = {}
    for use in uses:
        known = first.setdefault(use.link, use)
        if _flat(known.inputs) != _flat(use.inputs) or known.output != use.output:
            findings.add(
                diagnose(
                    "E0604",
                    use.span,
                    labels=(Label(known.span, f"first used here, {_sizes(known)}"),),
                    link=use.link,
                    found=_sizes(use),
                    expected=_sizes(known),
                ),
                use.node,
            )


def _flat(inputs: tuple[Shape, ...]) -> tuple[Shape, ...] | int:
    if len(inputs) == 1 and len(inputs[0]) > 1:
        return inputs
    return sum(math.prod(shape) for shape in inputs)


def _sizes(use: LinkUse) -> str:
    inputs = " and ".join(show(shape) for shape in use.inputs) or "nothing"
    output = "features for `params:`" if use.output is None else show(use.output)
    return f"{inputs} to {output}"
