"""The tables of the finite nodes of a spec, and queries of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from specc.catalog.supports import Integers
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.graph import ROWS, TypedGraph
from specc.graph.nodes import Given, Latent, Node, Observed, Part
from specc.infer.eliminate import eliminate, planned
from specc.infer.evaluate import Evaluator, NotKnown, softmax
from specc.infer.factor import Array, Factor
from specc.infer.question import Question, Term
from specc.infer.refusal import Refusal
from specc.objective.passes.stochastic_graph import StochasticGraph

LIMIT = 1 << 24
"""The largest number of entries of a table: 128 MiB."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """The result of a query.

    `values` has an axis for each queried variable without a value. `nodes` is the number of tables,
    and `largest` the number of entries of the largest product.
    """

    variables: tuple[str, ...]
    values: Array
    log_known: float
    nodes: int
    largest: int


class Network:
    """The model of a spec as tables; `values` are learnt numbers by the names of their nodes."""

    def __init__(
        self, typed: TypedGraph, values: Mapping[str, npt.NDArray[np.float64]] | None = None
    ) -> None:
        self.typed, self.graph = typed, typed.graph
        self.values = values or {}
        self._stochastic = StochasticGraph(self.graph, {})

    def answer(self, question: Question) -> Result:
        """Return the exact answer of a query; raises Refusal, E1002 to E1008."""
        for term in (*question.queried, *question.known):
            self._check(term)
        known = {term.name: term.value for term in question.known if term.value is not None}
        queried = [term.name for term in question.queried]
        factors = self._factors([*queried, *known], known)
        order = planned(factors, queried, known)
        if order.largest > LIMIT:
            raise _too_large(question.span, order.largest)
        found = eliminate(factors, queried, known, order)
        if found is None:
            first, last = question.known[0].span, question.known[-1].span
            span = Span(first.source, first.start, last.end)
            raise Refusal(diagnose("E1005", span))
        place = tuple(slice(None) if t.value is None else t.value for t in question.queried)
        free = tuple(term.name for term in question.queried if term.value is None)
        values = np.asarray(found.values[place])
        return Result(free, values, found.log_known, len(factors), int(order.largest))

    def classes(self, name: str) -> int:
        """Return the number of values of a node; raises Refusal E1006."""
        node = self.graph.model.nodes[name]
        kind = self.typed.types[node.id]
        finite = isinstance(kind.support, Integers) and kind.support.low == 0
        high = getattr(kind.support, "high", math.inf)
        if kind.shape:
            raise _no_variable(node, f"holds {math.prod(kind.shape)} numbers")
        if not finite or high == math.inf:
            raise _no_variable(node, "does not have finitely many values")
        if set(kind.plates) - {ROWS}:
            raise _no_variable(node, "has a value for each element of a plate")
        return int(high) + 1

    def _check(self, term: Term) -> None:
        node = self.graph.model.nodes.get(term.name)
        if node is None or not (node.is_variable or isinstance(node, Given)):
            raise Refusal(unknown(self.graph.model.nodes, term.name, term.span))
        last = self.classes(term.name) - 1
        if term.value is not None and term.value > last:
            value = f"{term.value}"
            finding = diagnose("E1003", term.span, name=term.name, value=value, last=last)
            raise Refusal(finding)

    def _factors(self, names: Iterable[str], known: Mapping[str, int]) -> list[Factor]:
        """Return the tables of these nodes and of their ancestors, which are sufficient."""
        factors, waiting, seen = [], list(names), set(names)
        while waiting:
            name = waiting.pop()
            node = self.graph.model.nodes[name]
            if isinstance(node, Given):
                self._check_given(node, known)
                continue
            factor = self._factor(node)
            factors.append(factor)
            fresh = [parent for parent in factor.variables[:-1] if parent not in seen]
            seen.update(fresh)
            waiting += fresh
        return factors

    def _check_given(self, node: Node, known: Mapping[str, int]) -> None:
        if node.name not in known:
            hint = f"give its value after the bar: `| {node.name}=0`"
            raise _not_known(node, "it is given by the data", hint)

    def _factor(self, node: Node) -> Factor:
        """Return p(node | parents), with an axis for each parent and a last axis for the node."""
        if isinstance(node, Part):
            reason = f"it is a part of the draw `{node.joint}`, which has one density"
            raise _not_known(node, reason, "query nodes that have a distribution themselves")
        assert isinstance(node, Latent | Observed)
        inputs = sorted(self._stochastic.parents(node.program, node.name) - set(self.values))
        sizes = [self.classes(name) for name in (*inputs, node.name)]
        if math.prod(sizes) > LIMIT:
            raise _too_large(node.span, math.prod(sizes))
        axes = np.ogrid[tuple(slice(size) for size in sizes[:-1])] if inputs else ()
        parents = {n: np.asarray(a, np.float64) for n, a in zip(inputs, axes, strict=True)}
        evaluator = Evaluator(self.graph, parents, self.values)
        try:
            table = _probabilities(node, evaluator, sizes[-1])
        except NotKnown as found:
            raise _not_known(node, found.reason, found.hint) from None
        return Factor((*inputs, node.name), np.broadcast_to(table, sizes))


def _probabilities(node: Latent | Observed, evaluator: Evaluator, classes: int) -> Array:
    """Return the probabilities of the values of a node, along the last axis."""
    if node.params is not None:
        evaluator.value(node.params)
    written = node.arguments.get("probs", node.arguments.get("logits"))
    parameter, *others = node.entry.parameters
    is_table = node.entry.finite and not node.entry.result_dims and not others
    if written is None or not is_table:
        reason = f"its distribution is {node.entry.name}"
        raise NotKnown(reason, "a query knows categorical and Bernoulli nodes")
    value, is_logit = evaluator.value(written), "probs" not in node.arguments
    if not parameter.dims:
        if is_logit:
            return np.exp(-np.logaddexp(0.0, np.stack([value, -value], -1)))
        return np.stack([1.0 - value, value], -1)
    shape = value.shape[: len(evaluator.parents)]
    table = np.broadcast_to(value, (*shape, classes))
    return softmax(table) if is_logit else np.asarray(table / table.sum(-1, keepdims=True))


# refusals


def unknown(nodes: Mapping[str, Node], name: str, span: Span) -> Diagnostic:
    """Return the diagnostic of a name that is not a variable."""
    known = [n for n, node in nodes.items() if node.is_variable or isinstance(node, Given)]
    guess = nearest(name, known)
    hint = "" if guess else "there are " + ", ".join(f"`{n}`" for n in known[:8])
    return diagnose("E1002", span, suggestion=guess, name=name, hint=hint)


def _no_variable(node: Node, reason: str) -> Refusal:
    return Refusal(diagnose("E1006", node.span, name=node.name, reason=reason))


def _not_known(node: Node, reason: str, hint: str) -> Refusal:
    return Refusal(diagnose("E1007", node.span, name=node.name, reason=reason, hint=hint))


def _too_large(span: Span, entries: float) -> Refusal:
    count = f"{entries:.3g}" if entries >= 1e6 else f"{entries:.0f}"
    return Refusal(diagnose("E1008", span, count=count, limit=f"{LIMIT:,}"))
