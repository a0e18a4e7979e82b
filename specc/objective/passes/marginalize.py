"""Enumerated nodes: an axis for each, and sums over these axes.

A term with a node that the guide draws is weighted by the node's probabilities under the guide. A
node that no guide draws is summed out of the density of the model: log sum_y p(x, y).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import networkx as nx
from msgspec.structs import replace

from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.graph.graph import MODEL, Scan, TypedGraph
from specc.graph.nodes import Latent
from specc.graph.queries import random_starts
from specc.objective.objective import Decision, Draw
from specc.objective.passes.draws import MAX_JOINT_STATES, states
from specc.objective.passes.shared import is_of_all, is_of_rows, plates_of
from specc.objective.passes.stochastic_graph import StochasticGraph
from specc.objective.terms import (
    Apply,
    Detach,
    How,
    Leaf,
    LogProb,
    Part,
    Reduce,
    Sum,
    Term,
    fold,
    is_number,
)


class Axes:
    """The enumerated nodes that each value and each term depends on."""

    def __init__(self, draws: dict[str, Draw], stochastic: StochasticGraph) -> None:
        self.draws, self.stochastic, self.summed = draws, stochastic, summed(draws)
        self._of_value: dict[str, frozenset[str]] = {}
        if not any(draw.has_axis for draw in draws.values()):
            return  # and so no value has an axis
        # Draws are in the order of drawing, each after those that it depends on.
        for name, draw in draws.items():
            own = frozenset((name,)) if draw.has_axis else None
            own = frozenset[str]() if draw.is_point or draw.entry.chain else own
            inputs = stochastic.parents(draw.program, name) if own is None else frozenset[str]()
            self._of_value[name] = self._of_all(inputs) if own is None else own

    def of_value(self, name: str) -> frozenset[str]:
        """Return the enumerated axes of a drawn value; data have none."""
        return self._of_value.get(name, frozenset())

    def of_term(self, term: Term) -> frozenset[str]:
        """Return the enumerated axes of a term."""
        return fold(term, self._combine) if self._of_value else frozenset()

    def _combine(self, term: Term, inside: tuple[frozenset[str], ...]) -> frozenset[str]:
        if isinstance(term, Leaf):
            return self._of_all(self.stochastic.of_leaf(term))
        gone = term.axes if isinstance(term, Reduce) else ()
        return frozenset[str]().union(*inside).difference(gone)

    def weights(self, axes: frozenset[str]) -> frozenset[str]:
        """Return the enumerated nodes whose probabilities weight a term with these axes."""
        closed = set(axes)
        stack = list(axes)
        while stack:
            name = stack.pop()
            draw = self.draws[name]
            for axis in self._of_all(self.stochastic.parents(draw.program, name)) - closed:
                closed.add(axis)
                stack.append(axis)
        return frozenset(closed)

    def _of_all(self, names: frozenset[str]) -> frozenset[str]:
        found: frozenset[str] = frozenset()
        for name in names:
            found |= self.of_value(name)
        return found


def sum_out(typed: TypedGraph, inner: Sum, axes: Axes) -> tuple[Sum, list[Decision]]:
    """Wrap each term that depends on enumerated nodes in a sum over their values."""
    parts, decisions = _joint(typed, inner, axes)
    draws = axes.draws
    weighed: list[Part] = []
    for part in parts:
        over = axes.weights(axes.of_term(part.term))
        if not over:
            weighed.append(part)
            continue
        ordered = tuple(n for n in draws if n in over)
        weighed.append(replace(part, term=_weighted(ordered, part.term)))
    for name, draw in draws.items():
        if draw.is_enumerated and draw.program != MODEL:
            count = states(typed, typed.graph.node((draw.program, name)))
            where = ", or the known one" if draw.fills else ""
            choice = f"expectation over {count:.0f} values{where}"
            decisions.append(Decision(name, choice, "exact"))
    return Sum(tuple(weighed)), decisions


def _weighted(over: tuple[str, ...], term: Term) -> Term:
    """Return the expectation of a term, with a number of the step in front of it.

    That of a detached term is detached as a product.
    """
    if isinstance(term, Detach):
        return Detach(_weighted(over, term.term))
    if isinstance(term, Apply) and term.op == "*" and is_number(term.terms[0]):
        factor, rest = term.terms
        return Apply("*", (factor, _weighted(over, rest)))
    return Reduce("weighted", over, term)


def summed(draws: dict[str, Draw]) -> frozenset[str]:
    """Return the nodes that are summed or integrated out of the density of the model."""
    return frozenset(n for n, d in draws.items() if d.has_axis and d.program == MODEL)


def groups(inner: Sum, axes: Axes) -> Iterator[tuple[tuple[str, ...], tuple[Part, ...]]]:
    """Yield groups of summed-out nodes connected by densities, with these densities.

    Each group is one logsumexp.
    """
    return _groups(inner.parts, axes, axes.summed)


def _groups(
    parts: tuple[Part, ...], axes: Axes, summed: frozenset[str]
) -> Iterator[tuple[tuple[str, ...], tuple[Part, ...]]]:
    """Yield groups of some of the summed-out nodes, with the terms that depend on each group."""
    order = {name: place for place, name in enumerate(n for n in axes.draws if n in summed)}
    touched = [(part, axes.of_term(part.term) & summed) for part in parts]
    linked: nx.Graph[str] = nx.Graph()
    linked.add_nodes_from(order)
    for _, names in touched:
        nx.add_path(linked, sorted(names))
    components = list(nx.connected_components(linked))
    group_of = {name: number for number, names in enumerate(components) for name in names}
    members: list[list[Part]] = [[] for _ in components]
    for part, names in touched:
        if names:  # of one group, as an edge joins them
            members[group_of[min(names)]].append(part)
    for component, found in zip(components, members, strict=True):
        yield tuple(sorted(component, key=order.__getitem__)), tuple(found)


def _joint(typed: TypedGraph, inner: Sum, axes: Axes) -> tuple[list[Part], list[Decision]]:
    """Return the terms in which each group of summed-out nodes is reduced, with decisions."""
    draws, joint = axes.draws, axes.summed
    chains = {n for n in joint if typed.graph.model.nodes[n].scan is not None}
    plates = plates_of(typed, draws)
    parts: list[Part] = [p for p in inner.parts if not axes.of_term(p.term) & joint]
    decisions = []
    for names, members in groups(inner, axes):
        factor = members[0].coefficient
        density = tuple(replace(p, coefficient=1.0) for p in members)
        alone = chains | {n for n in names if draws[n].is_integrated}
        of_all = tuple(n for n in names if n not in alone and is_of_all(typed, n))
        shared = tuple(name for name in names if name in plates)
        plain = tuple(n for n in names if n not in {*alone, *of_all, *shared})
        apart = tuple(n for n in names if n in alone)
        for taken_out, reached in tuple(reduced_together(typed, density, apart, axes)):
            how: How = "integrate" if draws[taken_out[0]].is_integrated else "forward"
            taken = Part(1.0, Reduce(how, taken_out, Sum(reached)))
            density = (*(p for p in density if p not in reached), taken)
            scan = typed.graph.scans.get(typed.graph.model.nodes[taken_out[0]].scan or "")
            decisions.append(_decision(", ".join(taken_out), how, scan))
        if plain:
            decisions.append(Decision(", ".join(plain), "summed out of the density", "exact"))
        for inside, reached in tuple(_groups(density, axes, frozenset(plain))):
            taken = Part(1.0, Reduce("logsumexp", inside, Sum(reached)))
            density = (*(p for p in density if p not in reached), taken)
        if shared:
            decisions.append(Decision(", ".join(shared), "summed out element by element", "exact"))
        for inside, reached in tuple(_groups(density, axes, frozenset(shared))):
            rest = tuple(part for part in density if part not in reached)
            density = (*rest, *_by_element(typed, inside, reached))
        if of_all:
            reason = "exact; all rows are one product inside the sum"
            decisions.append(Decision(", ".join(of_all), "summed out for all rows", reason))
            density = _by_element(typed, of_all, density)
        parts += [replace(p, coefficient=factor) for p in density]
    return parts, decisions


def are_of_one_plate(typed: TypedGraph, names: tuple[str, ...], draws: Mapping[str, Draw]) -> bool:
    """Whether latents have finite values at the steps of one plate, in the same direction."""
    nodes = [typed.graph.model.nodes[name] for name in names]
    plates = {(node.scan, isinstance(node, Latent) and node.reverse) for node in nodes}
    is_finite = all(draws[name].is_enumerated for name in names)
    return len(plates) == 1 and nodes[0].scan in typed.graph.scans and is_finite


def reduced_together(
    typed: TypedGraph, parts: tuple[Part, ...], names: Iterable[str], axes: Axes
) -> Iterator[tuple[tuple[str, ...], tuple[Part, ...]]]:
    """Yield the latents of each reduction of their own, and the densities that depend on them.

    Latents under one density are reduced together: the states of several sequences, and a sequence
    with the value at which it starts, which comes after it.
    """
    starts = integrated_starts(typed, axes.draws)
    for found, reached in _groups(parts, axes, frozenset(names)):
        sequences = tuple(name for name in found if name not in starts)
        yield (*sequences, *(name for name in found if name in starts)), reached


def integrated_starts(typed: TypedGraph, draws: Mapping[str, Draw]) -> dict[str, str]:
    """Return the starts of sequences that are integrated out with them, with the sequences."""
    found = {name: lagged.shift.base for name, lagged in random_starts(typed.graph).items()}
    integrated = {name for name, draw in draws.items() if draw.is_integrated}
    return {s: base for s, base in found.items() if s in integrated and base in integrated}


def _by_element(
    typed: TypedGraph, names: tuple[str, ...], density: tuple[Part, ...]
) -> tuple[Part, ...]:
    """Return the log of the sum of each element over latents `names` of a plate.

    It is that of the rows given what else is known of the element, and that of the latter.
    """
    own = tuple(part for part in density if not is_of_rows(typed, part.term))
    found: tuple[Part, ...] = (
        () if len(own) == len(density) else (Part(1.0, Reduce("elements", names, Sum(density))),)
    )
    is_prior = {LogProb(MODEL, name) for name in names} >= {part.term for part in own}
    if not is_prior:  # the sum over the values of a prior is 1
        found += (Part(1.0, Reduce("elements", names, Sum(own))),)
    return found


def _decision(name: str, how: How, scan: Scan | None) -> Decision:
    """Return the decision about a node with a reduction of its own, and the plate of its steps."""
    is_chain = scan is not None
    if scan is not None and not scan.is_ordered:
        way = "summed out" if how == "forward" else "integrated out"
        return Decision(name, f"{way} element by element", "exact")
    if how == "forward" and "," in name:
        way = "states summed out together, step by step"
        return Decision(name, way, "forward algorithm, one chain after the other")
    if how == "forward":
        return Decision(name, "states summed out step by step", "forward algorithm")
    steps = " step by step" if is_chain else " of the density"
    return Decision(name, f"integrated out{steps}", "Kalman filter" if is_chain else "exact")


def _named(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"


def check_size(typed: TypedGraph, draws: dict[str, Draw], span: Span, findings: Findings) -> None:
    """Report E0415 if the sum has more than `MAX_JOINT_STATES` combinations of values."""
    over = [n for n, d in draws.items() if d.is_enumerated]
    counts = [states(typed, typed.graph.node((draws[n].program, n))) for n in over]
    if math.prod(counts) > MAX_JOINT_STATES:
        findings.add(
            diagnose(
                "E0415",
                span,
                names=_named(over),
                count=f"{math.prod(counts):.0f}" if math.prod(counts) < 1e15 else "too many",
                limit=MAX_JOINT_STATES,
            )
        )
