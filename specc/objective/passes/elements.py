"""Finite latents on plates that are summed element by element.

With z_k on a plate, and rows i that use the element k(i),

    log p(x) = sum_k log sum_s p(z_k = s) prod_{i: k(i) = k} p(x_i | z_k = s),

since elements are independent of each other given the rest. The rows of an element are one product
inside the logarithm, so that a batch must have all of them. An expectation under a guide is a sum
over rows:

    E_q[log p(x | z)] = sum_i sum_s q(z_k(i) = s) log p(x_i | z_k(i) = s).

Both need that each term depends on a single element of a plate, whose number is in the data.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from specc.catalog.registry import SAMPLERS
from specc.diagnostics.report import diagnose
from specc.graph.element import Element
from specc.graph.findings import Findings
from specc.graph.graph import GUIDE, MODEL, TypedGraph
from specc.graph.nodes import Node, NodeId
from specc.graph.queries import is_data, plate_node
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Expression, Index, Name, Number, Over
from specc.language.expressions.walk import children
from specc.objective.objective import Player, Surrogate
from specc.objective.passes.bounds import Expansion
from specc.objective.passes.marginalize import Axes
from specc.objective.passes.moves import refuse_moves
from specc.objective.passes.shared import is_of_rows, plates_of
from specc.objective.terms import (
    Divergence,
    Energy,
    Leaf,
    LogProb,
    Reduce,
    Sum,
    Term,
    Value,
    value_node,
    walk,
)


class Selection(Struct, frozen=True):
    """The data that select an element of a plate, None if something else does.

    `value` is the node of the element, empty if it is none of two.
    """

    data: Node | None
    value: str = ""


Selected = dict[str, dict[str, Selection]]
"""The elements of each latent of a plate that a term uses, by their text."""


def selected(typed: TypedGraph, axes: Axes, term: Term, plate: str) -> Selected:
    """Return the elements by which a term depends on the enumerated latents of a plate.

    A term of the elements themselves selects none. An expectation uses those of its weights, too.
    """
    found = _Search(typed, axes, plate)
    found.add(term)
    for name in axes.weights(axes.of_term(term)):
        draw = axes.draws[name]
        if typed.types[draw.program, name].is_local:
            found.add(draw.density)
    return found.found


def couples_rows(typed: TypedGraph, term: Term) -> tuple[str, ...]:
    """Return the latents of elements whose rows are one product inside a logarithm."""
    found: dict[str, None] = {}
    for each in walk(term):
        if isinstance(each, Reduce) and each.how == "elements" and is_of_rows(typed, each):
            found |= dict.fromkeys(each.axes)
    return tuple(found)


class _Search:
    """The search for elements in the values behind terms."""

    def __init__(self, typed: TypedGraph, axes: Axes, plate: str) -> None:
        self.typed, self.axes, self.plate = typed, axes, plate
        every = plates_of(typed, axes.draws)
        self.latents = {name for name, own in every.items() if own == plate}
        self.found: Selected = {}
        self.seen: set[NodeId] = set()

    def add(self, term: Term) -> None:
        """Add the elements that a term uses."""
        leaves = (each for each in walk(term) if isinstance(each, Leaf))
        stack = [node for leaf in leaves for node in self._of_leaf(leaf)]
        while stack:
            node = stack.pop()
            if node.id not in self.seen:
                self.seen.add(node.id)
                stack += reversed([*self._behind(node)])

    def _of_leaf(self, leaf: Leaf) -> Iterator[Node]:
        graph = self.typed.graph
        match leaf:
            case LogProb(program=program, node=name):
                yield graph.node((program, name))
                for value in graph.node((program, name)).values:
                    yield from self._drawn(value)
            case Divergence(node=name):
                yield from (graph.node((program, name)) for program in (MODEL, GUIDE))
            case Value(expression=expression) if not isinstance(expression, Number):
                yield graph.node(value_node(expression))
            case Energy(program=program, node=name):
                yield graph.node((program, name))

    def _drawn(self, name: str) -> Iterator[Node]:
        """Yield the node that draws a value given values of latents."""
        draw = self.axes.draws.get(name)
        if draw is not None and not draw.has_axis:
            yield self.typed.graph.node((draw.program, name))

    def _behind(self, node: Node) -> Iterator[Node]:
        """Yield the nodes behind a node, and note the elements that its expressions use."""
        stack: list[Expression] = [*reversed(node.expressions())]
        while stack:
            part = stack.pop()
            if self._notes(node, part):
                stack += reversed(children(part)[1:])  # the indices
                continue
            stack += reversed(children(part))
            graph, is_name = self.typed.graph, isinstance(part, Name)
            used = graph.lookup(node.program, part.id) if isinstance(part, Name) else None
            if not is_name or used is None or not self._of_node(used):
                continue
            if used.is_variable:
                yield from self._drawn(used.name)
            else:
                yield used

    def _notes(self, node: Node, part: Expression) -> bool:
        """Whether a part of an expression uses elements of the plate; note which of them."""
        if not isinstance(part, (Index, Over)):
            return False
        operand = part.base if isinstance(part, Index) else part.operand
        base = plate_node(self.typed.graph, node.program, operand)
        if base is None or base.plate != self.plate:
            return False
        index = part.indices[0] if isinstance(part, Index) else part
        known = index.id if isinstance(index, Name) else ""
        data = self.typed.graph.lookup(node.program, known)
        value = node.name if isinstance(node, Element) else ""
        for latent in self._of_node(base) & self.latents:
            own, text = self.found.setdefault(latent, {}), print_expression(index)
            alike = text not in own or own[text].value == value
            found = data if data is not None and is_data(data) else None
            own[text] = Selection(found, value if alike else "")
        return True

    def _of_node(self, node: Node) -> frozenset[str]:
        """Return the enumerated latents behind the value of a node."""
        if node.is_variable:
            return self.axes.of_value(node.name)
        parents = self.axes.stochastic.parents(node.program, node.name)
        return frozenset[str]().union(*map(self.axes.of_value, parents))


# checks


def coupling(typed: TypedGraph, inner: Sum, axes: Axes) -> tuple[str, str] | None:
    """Return a latent whose elements a term couples, and how; None if they are independent."""
    plates = plates_of(typed, axes.draws)
    for term in walk(inner):
        if not isinstance(term, Reduce) or plates.keys().isdisjoint(term.axes):
            continue
        own = {plates[name]: name for name in term.axes if name in plates}
        if term.how == "elements" and len(own) > 1:
            first, second = own.values()
            return (
                first,
                f"the same rows depend on elements of `{second}`, which is summed out, too",
            )
        inside = term.term.parts if isinstance(term.term, Sum) else ()
        each = [part.term for part in inside] if term.how == "elements" else [term.term]
        for plate, name in own.items():
            for found in (selected(typed, axes, one, plate) for one in each):
                reason = _dependence(found) if term.how == "elements" else _pairs(axes, found)
                if reason:
                    return name, reason
    return None


def _dependence(found: Selected) -> str:
    """Why a term depends on other elements than the one that the data select; empty if not."""
    own = {text: each for latent in found.values() for text, each in latent.items()}
    shown = " and ".join(f"`{text}`" for text in own)
    if len(own) > 1:
        return f"a row depends on its elements {shown}"
    if any(each.data is None for each in own.values()):
        return f"{shown} is no value of the data that selects one element for each row"
    return ""


def _pairs(axes: Axes, found: Selected) -> str:
    """Why an expectation cannot be weighed by q of one or two elements; empty if it can.

    Two elements of a latent have values beside each other, which no other latent depends on.
    """
    for name, own in found.items():
        are_two = len(own) == 2 and all(each.value and each.data for each in own.values())
        others = axes.weights(frozenset(found) - {name})
        if not are_two and (reason := _dependence({name: own})):
            return reason
        if are_two and name in others:
            return (
                f"a row depends on two of its elements, and `{min(others - {name})}` on them, too"
            )
    return ""


def check_elements(
    typed: TypedGraph, player: Player, axes: Axes, expansion: Expansion, findings: Findings
) -> None:
    """Check the sums over latents of elements, whose rows are one product inside a logarithm.

    Report elements that are not independent (E0357), a log of a mean for each row (E0428), and a
    score gradient, whose signal would be that of the other rows of an element, too (E0358).
    """
    inner = Sum(player.parts)
    problem = coupling(typed, inner, axes) or _scored(typed, player, axes)
    if problem is not None:
        name, reason = problem
        draw = axes.draws[name]
        node, plate = typed.graph.node((draw.program, name)), plates_of(typed, axes.draws)[name]
        hint = f"use `elbo` with a guide that draws `{name}`"
        if draw.program == GUIDE:
            hint = f"draw `{name}` with `draw: score`"
        words = {"name": name, "plate": plate, "reason": reason, "hint": hint}
        findings.add(diagnose("E0357", node.span, labels=(), **words), node.id)
        return
    for name in couples_rows(typed, inner):
        node = typed.graph.node((MODEL, name))
        if expansion.moves is not None:
            reason = (
                f"rows share `{name}`, which is summed out, and each row has a chain of its own"
            )
            refuse_moves(typed.graph, expansion.entry.name, reason, findings)
            return
        if expansion.sampler and SAMPLERS[expansion.sampler].minibatches:
            reason = "rows share it and are summed together, and an update has some of the rows"
            words = {"sampler": expansion.sampler, "name": name, "reason": reason}
            findings.add(diagnose("E0483", node.span, labels=(), **words), node.id)
            return
        is_log = expansion.entry.reduction == "logmeanexp" and player.particles > 1
        if is_log or expansion.reweighs:
            words = {"objective": expansion.entry.name, "name": name}
            findings.add(diagnose("E0428", node.span, labels=(), **words), node.id)
            return
        scored = [s.node for s in player.surrogates if _reaches(typed, player, s, name)]
        if scored:
            words = {"drawn": scored[0], "name": name}
            findings.add(diagnose("E0358", node.span, labels=(), **words), node.id)
            return


def _scored(typed: TypedGraph, player: Player, axes: Axes) -> tuple[str, str] | None:
    """Return a latent of elements given which another one of them has a score gradient, if any."""
    plates = plates_of(typed, axes.draws)
    for surrogate in player.surrogates:
        node = surrogate.node
        given = [name for name in plates if name in axes.of_value(node)]
        if given and not typed.types[axes.draws[node].program, node].is_local:
            return given[0], f"`{node}` is drawn given each value, with a score gradient"
    return None


def _reaches(typed: TypedGraph, player: Player, surrogate: Surrogate, name: str) -> bool:
    """Whether a cost of a row's score gradient has the sum over a latent of elements."""
    draw = player.draws[surrogate.node]
    if not typed.types[draw.program, draw.node].is_local:
        return False  # the signal is the mean over all rows
    return any(name in couples_rows(typed, cost.term) for cost in surrogate.costs)
