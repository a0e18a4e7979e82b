"""Hints for parameters with values outside their support, and for probabilities as logits."""

from __future__ import annotations

from msgspec import Struct

from specc.catalog.registry import FUNCTIONS
from specc.catalog.supports import (
    CHOLESKY,
    POSITIVE_DEFINITE,
    REAL,
    SIMPLEX,
    UNIT_INTERVAL,
    Support,
    bounds,
    contains,
    describe,
)
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import Graph
from specc.graph.nodes import Distributed, Node, Parameter
from specc.language.expressions.tree import Binary, Call, Expression, Name, Negate, Number
from specc.language.expressions.walk import names

OF_MATRICES: dict[Support, str] = {
    CHOLESKY: "give `{parameter: cholesky, shape: [...]}`, or a positive number times `eye(n)`",
    POSITIVE_DEFINITE: "add a positive number times `eye(n)` to a kernel or to "
    "`a @ transpose(a)`, or give `{parameter: positive_definite, shape: [...]}`",
}
"""The likely fix of an expression that is not in a set of matrices."""


class Misfit(Struct, frozen=True):
    """A parameter `key` with the required support and the actual one."""

    key: str
    wanted: Support
    given: Support
    expression: Expression


def fix(graph: Graph, node: Distributed, misfit: Misfit) -> str:
    """The likely fix, which preserves the expression if possible."""
    expression, wanted = misfit.expression, misfit.wanted
    text, inside = expression.span.text, bounds(wanted)
    if isinstance(expression, (Number, Negate)):
        return f"give a value among {describe(wanted)}"
    if wanted == SIMPLEX:
        alternative = next((a for a in node.entry.alternatives if a.name == misfit.key), None)
        scores = _scores(expression)
        if alternative and graph.is_link(scores.partition("(")[0]) and scores.endswith(")"):
            # The parameter determines the size of a link, but not inside a function of vectors.
            return f"replace the entry by `{alternative.replaces}: {scores}`"
        return f"map it there: softmax({_scores(expression)})"
    if wanted in OF_MATRICES:
        return OF_MATRICES[wanted]
    if (inside.low, inside.high) == (0.0, 1.0):
        return f"map it there: sigmoid({text})"
    if inside.low != 0.0 or misfit.given.discrete:
        return f"map it onto {describe(wanted)} with a function"
    parameter = _real_parameter(graph, node, expression)
    if parameter:
        return f"let `{parameter}` be positive: `{parameter}: {{parameter: positive, ...}}`"
    return f"map it there: softplus({text}) or exp({text})"


def _scores(expression: Expression) -> str:
    """The argument for `softmax`: the expression without an elementwise squashing function."""
    if isinstance(expression, Call) and expression.function in FUNCTIONS:
        entry = FUNCTIONS[expression.function]
        if entry.monotone and len(expression.arguments) == 1:
            return expression.arguments[0].span.text
    return expression.span.text


def _real_parameter(graph: Graph, node: Node, expression: Expression) -> str | None:
    """A real parameter in a product or a sum, which can make it negative."""
    if not isinstance(expression, (Binary, Name)):
        return None
    found = (graph.lookup(node.program, name.id) for name in names(expression))
    real = (n.name for n in found if isinstance(n, Parameter) and n.support == REAL)
    return next(real, None)


def check_probability(
    node: Distributed, key: str, given: Support, expression: Expression, findings: Findings
) -> None:
    """Warns of a probability that is used as a logit."""
    alternative = next((a for a in node.entry.alternatives if a.replaces == key), None)
    if alternative is None or not contains(UNIT_INTERVAL, bounds(alternative.support)):
        return
    if isinstance(expression, (Number, Negate)) or given.discrete:
        return
    if contains(UNIT_INTERVAL, given):
        finding = diagnose(
            "W0333",
            expression.span,
            key=key,
            name=node.name,
            expression=expression.span.text,
            found=describe(given),
            other=alternative.name,
        )
        findings.add(finding)


def data_fix(support: Support, values: Support) -> str:
    """The likely fix of data outside the support of a distribution."""
    inside, given = bounds(support), bounds(values)
    if support.discrete and (inside.low, inside.high) == (0, 1) and given.high <= 1:
        return "binarize the field (`binarize: sample`), or use continuous_bernoulli"
    return f"use a distribution over {describe(values)}, or transform the field"
