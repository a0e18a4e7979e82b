"""Checks functions in a loss of all rows of a batch, or of rows of earlier steps."""

from __future__ import annotations

from collections.abc import Iterator

from specc.graph.findings import Findings
from specc.graph.graph import ROWS, Graph, TypedGraph
from specc.graph.nodes import Node
from specc.graph.passes.amounts import too_many
from specc.graph.passes.references import is_held
from specc.graph.passes.row_functions import row_function_error
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Call, Expression, Number
from specc.language.expressions.walk import calls
from specc.objective.objective import Draw
from specc.objective.passes.bounds import Expansion
from specc.objective.passes.buffers import find_buffers
from specc.objective.passes.marginalize import Axes
from specc.objective.passes.players import trained_links
from specc.objective.terms import Term, Value, value_node, walk


def check_row_functions(
    typed: TypedGraph, expansion: Expansion, axes: Axes, findings: Findings
) -> None:
    """Report arguments that are not one value per row, and draws without gradients across rows."""
    draws, stochastic = axes.draws, axes.stochastic
    buffers = find_buffers(typed.graph, expansion.inner)
    for buffer in buffers:
        shape = buffer.shape(typed)
        found = too_many(f"`{buffer.call.span.text}`", shape, buffer.call.span)
        if found is not None:
            findings.add(found)
    for node in (*_values(typed.graph, expansion.inner), *(buffer.node for buffer in buffers)):
        for expression in node.expressions():
            _check_gradients(typed.graph, expression, findings)
            for call in _over_rows(typed.graph, expression):
                direct = stochastic.parents(*node.id) & draws.keys()
                behind = direct | stochastic.ancestors(direct)
                _check_arguments(typed, node.program, call, findings)
                own = [draw for name, draw in draws.items() if name in behind]
                _check_draws(typed, expansion, call, own, findings)


def is_over_rows(graph: Graph, loss: Term) -> bool:
    """Whether a loss has a function of all rows of a batch, so that single rows have no value."""
    expressions = (e for node in _values(graph, loss) for e in node.expressions())
    return any(True for expression in expressions for _ in _over_rows(graph, expression))


def _values(graph: Graph, loss: Term) -> Iterator[Node]:
    """The nodes with the values of a loss, but for buffers themselves."""
    for term in walk(loss):
        if isinstance(term, Value) and not isinstance(term.expression, Number):
            node = graph.node(value_node(term.expression))
            if not is_held(node):
                yield node


def _remembers(graph: Graph, call: Call) -> bool:
    return graph.functions[call.function].remembers


def _over_rows(graph: Graph, expression: Expression) -> Iterator[Call]:
    for call in calls(expression):
        if call.function in graph.functions and graph.functions[call.function].over_rows:
            yield call


def _check_gradients(graph: Graph, expression: Expression, findings: Findings) -> None:
    for call in calls(expression):
        if call.function in graph.functions and graph.functions[call.function].differentiates:
            for inner in _over_rows(graph, call.arguments[0]):
                reason = f"`{call.function}` differentiates each row by itself"
                hint = f"take it out of `{call.function}`"
                findings.add(row_function_error(inner, reason, hint))


def _check_arguments(typed: TypedGraph, program: str, call: Call, findings: Findings) -> None:
    entry = typed.graph.functions[call.function]
    values = call.arguments[: entry.numbers_from]
    for argument in (a for n, a in enumerate(values) if n not in entry.sizes):
        if typed.plates_of(program, argument) != {ROWS}:
            reason = f"`{print_expression(argument)}` is not one value for each row"
            hint = f"write such as `{entry.example}`"
            findings.add(row_function_error(call, reason, hint))


def _check_draws(
    typed: TypedGraph, expansion: Expansion, call: Call, behind: list[Draw], findings: Findings
) -> None:
    """Check that the draws behind a call are samples without score gradients for this player."""
    for draw in behind:
        moved = trained_links(typed.graph, (draw.program, draw.node), expansion.links)
        reason = ""
        if draw.has_axis:
            reason = f"`{draw.node}` is summed over its values, for each row by itself"
        elif draw.is_sampled and expansion.particles > 1 and _remembers(typed.graph, call):
            reason = f"each row has {expansion.particles} draws of `{draw.node}`, and not one"
        elif draw.entry.score_function and moved:
            reason = f"the score gradient of `{draw.node}` counts the value of its own row alone"
        if reason:
            hint = f"make `{draw.node}` a continuous node, whose draws pass gradients on"
            findings.add(row_function_error(call, reason, hint))
            return
