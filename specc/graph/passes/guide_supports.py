"""Checks that the guide draws values that the model allows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from specc.catalog.supports import Interval, Support, bounds, closure, contains, describe
from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.graph.constants import number_of
from specc.graph.ends import OF_ENDS
from specc.graph.findings import Findings
from specc.graph.graph import Graph
from specc.graph.nodes import Distributed, Latent, Node
from specc.graph.passes.through import has_moving_support
from specc.language.expressions.tree import Expression

SupportOf = Callable[[Node, Expression], Support]


def check_model_node(
    graph: Graph, node: Node, support: Support, prior: Support, of: SupportOf, findings: Findings
) -> None:
    """Checks that the support in the guide is within that of the model, `prior`.

    The ends of the support may move with other values. Those of the guide have to move, too, or to
    be between all of them.
    """
    model_node = graph.model.nodes[node.name]
    if has_moving_support(graph, node) or moving(graph, node) or not model_node.is_drawn:
        return
    label = Label(model_node.span, f"in the model: {describe(prior)}")
    words = {"name": node.name, "found": describe(support), "expected": describe(prior)}
    if not contains(prior, support):
        findings.add(diagnose("E0309", node.span, labels=(label,), **words), node.id)
        return
    ends = moving(graph, model_node)
    if ends and not contains(_within(model_node, ends, prior, partial(of, model_node)), support):
        assert isinstance(model_node, Distributed)
        parameter = ends[0]
        text = model_node.arguments[parameter].span.text
        label = Label(model_node.arguments[parameter].span, "the end in the model")
        words = {"name": node.name, "found": words["found"], "parameter": parameter, "end": text}
        findings.add(diagnose("E0263", node.span, labels=(label,), **words), node.id)
        return
    is_broken = {node.id, model_node.id} & findings.broken
    if contains(closure(support), prior) or model_node.missing is not None or is_broken:
        return
    findings.add(diagnose("W0332", node.span, labels=(label,), **words))


def moving(graph: Graph, node: Node) -> tuple[str, ...]:
    """The ends of the values of a latent that other values determine, by parameter."""
    if not isinstance(node, Latent) or node.through or not node.entry.continuous:
        return ()
    ends = (node.entry.limits.get(kind, "") for kind in OF_ENDS)
    given = [parameter for parameter in ends if parameter in node.arguments]

    def is_number(parameter: str) -> bool:
        value = number_of(node.arguments[parameter], graph.constants, lambda name: None)
        return value is not None

    return tuple(parameter for parameter in given if not is_number(parameter))


def _within(
    node: Node, ends: tuple[str, ...], prior: Support, of: Callable[[Expression], Support]
) -> Support:
    """The values that are between the ends wherever these are."""
    assert isinstance(node, Distributed)
    low, high = bounds(prior).low, bounds(prior).high
    for parameter in ends:
        inside = bounds(of(node.arguments[parameter]))
        if parameter == node.entry.limits.get("least"):
            low = max(low, inside.high)
        else:
            high = min(high, inside.low)
    return Interval(low, high)
