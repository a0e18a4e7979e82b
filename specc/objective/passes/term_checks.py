"""Checks that the terms of an objective may be combined.

Means over particles and expectations under the guide allow any weighted sum. Under the logarithm of
a mean, or of a sum over a latent that no guide draws, only the densities of one joint distribution
are allowed.
"""

from __future__ import annotations

import networkx as nx

from specc.diagnostics.diagnostic import Label
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import MODEL, Graph, TypedGraph
from specc.graph.nodes import Lagged
from specc.graph.queries import with_lagged_edges
from specc.language.expressions.tree import Number, Over
from specc.objective.objective import Draw
from specc.objective.passes.bounds import Expansion, bound_terms
from specc.objective.passes.chains import is_unit
from specc.objective.passes.energy_densities import no_density
from specc.objective.passes.marginalize import (
    Axes,
    are_of_one_plate,
    groups,
    reduced_together,
    summed,
)
from specc.objective.passes.players import trainables
from specc.objective.terms import (
    Energy,
    Leaf,
    LogProb,
    Part,
    Term,
    Value,
    trained,
    value_node,
    walk,
)


def check_terms(
    graph: Graph, expansion: Expansion, findings: Findings, *, is_guide_used: bool = False
) -> None:
    """Report errors that do not depend on the draws, each kind once.

    If `is_guide_used`, another stage has an objective with a guide.
    """
    if graph.guide is not None and not (expansion.entry.guided or is_guide_used):
        span = graph.spec.spans.key(("guide",))
        findings.add(diagnose("E0408", span, objective=expansion.entry.name))
    if any(_is_of_energy(graph, term) for term in walk(expansion.inner)):
        findings.add(no_density(graph, expansion.entry.name, expansion.span))
        return
    for part in expansion.inner.parts:
        term = part.term
        if not isinstance(term, LogProb) or term.program != MODEL:
            continue
        nodes = graph.model.nodes
        seen = [name for name in nodes[term.node].values if nodes[name].role == "observed"]
        if part.coefficient < 0 and seen:
            factor = f"{-part.coefficient:g}"
            findings.add(diagnose("E0419", expansion.span, name=seen[0], factor=factor))
            return
    if expansion.entry.reduction == "logmeanexp" and expansion.particles > 1:
        _check_single_bound(graph, expansion, findings)


def _is_of_energy(graph: Graph, term: Term) -> bool:
    """Whether a term is the density of a unit of an energy, which is the conditional one alone."""
    if not isinstance(term, LogProb):
        return False
    return is_unit(graph, term.program, term.node)


def _check_single_bound(graph: Graph, expansion: Expansion, findings: Findings) -> None:
    """Report a log of a mean over particles whose terms are not those of one bound (E0409)."""
    wanted = {p.term: p.coefficient for p in bound_terms(graph, expansion.entry).parts}
    if wanted != {part.term: part.coefficient for part in expansion.inner.parts}:
        name, particles = expansion.entry.name, str(expansion.particles)
        findings.add(diagnose("E0409", expansion.span, objective=name, particles=particles))


def check_sums(typed: TypedGraph, expansion: Expansion, axes: Axes, findings: Findings) -> None:
    """Check the densities of summed-out nodes: all must be present, with equal coefficients."""
    for names, members in groups(expansion.inner, axes):
        chains = tuple(n for n in names if typed.graph.model.nodes[n].scan is not None)
        for together, _ in reduced_together(typed, members, chains, axes):
            if len(together) > 1 and not are_of_one_plate(typed, together, axes.draws):
                first, second = (typed.graph.model.nodes[n] for n in together[:2])
                label = (Label(first.span, "the other one"),)
                words = {"name": second.name, "other": first.name}
                findings.add(diagnose("E0430", second.span, labels=label, **words))
                return
        if any(not isinstance(part.term, LogProb) for part in members):
            findings.add(diagnose("E0448", expansion.span, name=names[0]))
            return
        own = {LogProb(MODEL, name) for name in names}
        missing = sorted(term.node for term in own - {part.term for part in members})
        unequal = len({part.coefficient for part in members}) > 1
        if missing or unequal:
            name = (missing or names)[0]
            term = f"log_prob(model.{name})" if missing else "each of them with the same factor"
            joint = _joint(typed.graph, members)
            findings.add(diagnose("E0420", expansion.span, name=name, joint=joint, term=term))
            return


def _joint(graph: Graph, members: tuple[Part, ...]) -> str:
    names = [part.term.node for part in members if isinstance(part.term, LogProb)]
    return ", ".join(f"`{name}`" for name in graph.model.order if name in names)


def check_memory(typed: TypedGraph, draws: dict[str, Draw], findings: Findings) -> None:
    """Report a deterministic node that depends on summed-out states and is used at the next step.

    The forward algorithm sums over pairs of consecutive states, but the value of such a node at the
    previous step depends on earlier states, too. So does a value of all steps.
    """
    nodes = typed.graph.model.nodes
    states = [name for name in summed(draws) if nodes[name].scan is not None]
    if not states:
        return
    digraph = with_lagged_edges(typed.graph.model)
    for name in states:
        lagged = {n: node for n, node in nodes.items() if isinstance(node, Lagged)}
        shifts = {n for n, node in lagged.items() if node.shift.base == name}
        earlier = next((n for n in shifts if lagged[n].shift.nearer), "")
        if earlier:
            words = {"name": name, "text": earlier}
            findings.add(diagnose("E0363", nodes[name].span, labels=(), **words))
            return
        # Deterministic nodes that depend on the state within a step, and those at the step before.
        plain = {n for n, node in nodes.items() if not node.is_random}
        inside = digraph.subgraph((plain - shifts) | {name})
        reached = nx.descendants(inside, name)
        for shift in shifts:
            reached |= nx.descendants(digraph.subgraph(plain), shift)
        whole = next((n for n in reached if isinstance(nodes[n].value, Over)), None)
        if whole is not None:
            label = (Label(nodes[name].span, "it is summed out"),)
            words = {"name": name, "value": nodes[whole].span.text, "plate": nodes[name].scan or ""}
            findings.add(diagnose("E0362", nodes[whole].span, labels=label, **words))
            return
        late = [node for n, node in lagged.items() if n in reached]
        if late:
            base = nodes[late[0].shift.base]
            label = (Label(nodes[name].span, "it is summed out"),)
            finding = diagnose(
                "E0440", base.span, labels=label, name=name, memory=base.name, text=late[0].name
            )
            findings.add(finding, base.id)
            return


def check_learns(
    graph: Graph, expansion: Expansion, draws: dict[str, Draw], findings: Findings
) -> None:
    """Report an objective without learnable parameters (E0423)."""
    if _is_constant(expansion, draws):
        findings.add(diagnose("E0423", expansion.span))
        return
    learnt = any(draw.is_point for draw in draws.values())
    reached = {(draw.program, name) for name, draw in draws.items()}
    for term in trained(expansion.inner):
        if isinstance(term, LogProb):
            reached.add((term.program, term.node))
        elif isinstance(term, Value) and not isinstance(term.expression, Number):
            reached.add(value_node(term.expression))
        elif isinstance(term, Energy):
            reached.add((term.program, term.node))
    if not learnt and not trainables(graph, reached):
        findings.add(diagnose("E0423", expansion.span))


def _is_constant(expansion: Expansion, draws: dict[str, Draw]) -> bool:
    """Whether all terms are densities of latents that are summed or integrated out.

    Such a density integrates to 1, whatever the parameters are.
    """
    inside = {
        (draw.program, name)
        for name, draw in draws.items()
        if draw.program == MODEL and draw.has_axis
    }
    terms = [term for term in walk(expansion.inner) if isinstance(term, Leaf)]
    return all(isinstance(t, LogProb) and (t.program, t.node) in inside for t in terms)
