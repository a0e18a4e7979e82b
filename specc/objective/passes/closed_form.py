"""Closed forms: log q - log p of a node becomes KL(q || p) if the expectation is exact."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from msgspec import Struct
from msgspec.structs import replace

from specc.catalog.arithmetic import broadcast
from specc.catalog.entry import Parameter, Shape
from specc.graph.graph import GUIDE, MODEL, ROWS, TypedGraph
from specc.graph.nodes import Node
from specc.graph.queries import is_autoregressive, parameter_of
from specc.language.expressions.tree import Expression
from specc.language.expressions.walk import calls
from specc.objective.objective import Decision, Draw
from specc.objective.passes.marginalize import Axes
from specc.objective.terms import Apply, Divergence, LogProb, Part, Sum, Term, is_number


class Validity(Struct, frozen=True):
    """Whether a divergence in closed form may replace two log-densities, with the reason."""

    valid: bool
    reason: str


def use_closed_forms(
    typed: TypedGraph,
    inner: Sum,
    axes: Axes,
    reduction: str,
) -> tuple[Sum, list[Decision]]:
    """Replace -c log q(z) + c log p(z) by -c KL(q || p) for every node where this is valid.

    It is valid if only the expectation over z separates the two (no logarithm outside it), the
    catalog has the formula, no parameter of p(z | ...) is drawn after z, as the next step of a
    sequence in the opposite order is, or summed out of the density, and the draw does not need
    log q at the sample. A number of the step may multiply both.
    """
    decisions: dict[Decision, None] = {}
    parts: dict[Term, Part] = {part.term: part for part in inner.parts}
    order = {name: place for place, name in enumerate(axes.draws)}
    factors = dict.fromkeys(_factor(term) for term in parts)
    for (name, draw), factor in product(axes.draws.items(), factors):
        log_p = parts.get(_scaled(factor, LogProb(MODEL, name)))
        log_q = parts.get(_scaled(factor, LogProb(GUIDE, name)))
        in_model = typed.graph.model.nodes.get(name)  # None for a joint draw of the guide
        whole = in_model.joint if log_q is not None and in_model is not None else None
        if whole is not None:
            reason = f"{name} is a part of {whole}, whose density is one"
            decisions[Decision(f"KL({name})", "from the sample", reason)] = None
        if log_p is None or log_q is None or log_p.coefficient != -log_q.coefficient:
            continue
        assert log_p.weight == log_q.weight
        validity = _validity(typed, draw, axes, order, reduction)
        choice = "closed form" if validity.valid else "from the sample"
        decisions[Decision(f"KL({name})", choice, validity.reason)] = None
        if validity.valid:
            parts[log_q.term] = replace(log_q, term=_scaled(factor, Divergence(name)))
            del parts[log_p.term]
    return Sum(tuple(parts.values())), list(decisions)


def _factor(term: Term) -> Term | None:
    """Return the number of the step that multiplies a term; None without one."""
    match term:
        case Apply(op="*", terms=(factor, _)) if is_number(factor):
            return factor
    return None


def _scaled(factor: Term | None, term: Term) -> Term:
    return term if factor is None else Apply("*", (factor, term))


def _validity(
    typed: TypedGraph, draw: Draw, axes: Axes, order: Mapping[str, int], reduction: str
) -> Validity:
    name, stochastic = draw.node, axes.stochastic
    p, q = typed.graph.node((MODEL, name)), typed.graph.node((GUIDE, name))
    assert p.entry is not None and q.entry is not None
    if reduction != "mean":
        return Validity(False, "the bound is the log of a mean over particles")
    if p.through or q.through:
        return Validity(False, "a density through a bijection has no closed form")
    if p.entry.name not in q.entry.kl_with:
        return Validity(False, f"{q.entry.name} and {p.entry.name} have no closed form")
    if p.scan is not None and p.reverse != q.reverse:
        reason = f"the guide draws the steps of {name} in the opposite order"
        return Validity(False, reason)
    later = {v for v in stochastic.parents(MODEL, name) if order.get(v, -1) > order[name]}
    if later and (later := later & stochastic.descendants(name)):
        shown = ", ".join(sorted(later))
        return Validity(False, f"p({name} | ...) depends on {shown}, which is drawn after {name}")
    if summed_in := sorted(axes.of_term(LogProb(MODEL, name)) & axes.summed):
        shown = ", ".join(summed_in)
        return Validity(False, f"p({name} | ...) is inside the log of the sum over {shown}")
    if draw.has_axis and _is_causal(typed, q):
        return Validity(
            False, f"entries of {name} depend on each other, and all values are weighed"
        )
    if draw.stops_parameters:
        return Validity(False, "sticking the landing needs log q at the sample")
    if not _have_full_shape(typed, q, p):
        return Validity(False, f"together the parameters have fewer entries than {name}")
    return Validity(True, f"{q.entry.name} and {p.entry.name}, exact")


def _is_causal(typed: TypedGraph, node: Node) -> bool:
    used = (call for e in node.own_expressions() for call in calls(e))
    return any(is_autoregressive(typed.graph, node, call) for call in used)


def _have_full_shape(typed: TypedGraph, q: Node, p: Node) -> bool:
    """Whether the parameters broadcast to the shape of the draw, as the formula requires.

    The formula sums over the entries of the parameters; a scale shared by all entries would count
    once.
    """
    assert q.entry is not None
    kind = typed.types[q.id]
    batch: Shape | None = ()
    plates: set[str] = set()
    for node in (q, p):
        assert node.entry is not None
        for parameter in node.entry.parameters:
            expression, shape = _written(typed, node, parameter)
            if expression is None or batch is None:
                continue
            batch = broadcast(batch, shape[: len(shape) - len(parameter.dims)])
            plates |= typed.plates_of(node.program, expression)
    wanted = kind.shape[: len(kind.shape) - len(q.entry.result_dims)]
    return batch == wanted and set(kind.plates) - {ROWS} <= plates


def _written(
    typed: TypedGraph, node: Node, parameter: Parameter
) -> tuple[Expression | None, Shape]:
    """Return the expression of a parameter and its shape; None if it is not given."""
    assert node.entry is not None
    for key, expression in node.arguments.items():
        if parameter_of(node.entry, key)[0] is parameter:
            return expression, typed.given[node.id, parameter.name]
    return node.params, typed.parameters[node.id, parameter.name]
