"""Objectives of energies: the energy of the data minus that of draws by Markov chains.

The gradient of -log p(x) = F(x) + log Z is the gradient of the free energy at the data minus its
mean under the model. Contrastive divergence replaces the model by a Markov chain that has run for
some steps (Hinton 2002).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import networkx as nx

from specc.catalog.objective import Draw as DrawEntry
from specc.catalog.objective import Objective as Entry
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.blocks import chain_state, interactions
from specc.graph.findings import Findings
from specc.graph.graph import FREE_ENERGY, MODEL, Graph, Program, TypedGraph, draw_of
from specc.graph.nodes import Given, Node
from specc.objective.objective import Chain, Draw, State
from specc.objective.passes.bounds import Expansion
from specc.objective.terms import Energy, Part, Sum

CHAIN = DrawEntry(
    name="chain",
    summary="A step of a Markov chain whose stationary distribution is that of the model.",
    formula="each block of units is drawn given all others",
    references=(),
    example="",
    chain=True,
)
"""The draw of the units of an energy, which no spec asks for by name."""


def contrastive(
    graph: Graph, entry: Entry, options: Mapping[str, object], span: Span, findings: Findings
) -> Expansion | None:
    """Return the terms -F(data) + F(chains); report a model without an energy (E0277).

    Report a model whose free energy has no closed form (E0278), or that has no data (E0271), and
    persistent chains of a model of which each row has another one (E0279).
    """
    program, drawn = graph.programs[MODEL], draw_of(MODEL)
    if program.energy is None:
        findings.add(diagnose("E0277", span, objective=entry.name))
        return None
    if drawn not in graph.programs or program.energy.id in findings.broken:
        return None  # a part of the model is broken
    persistent, steps, count = (options[k] for k in ("persistent", "steps", "chains"))
    assert isinstance(steps, int) and isinstance(count, int)
    found = _obstacle(program, entry, span, is_persistent=bool(persistent))
    if found is not None:
        findings.add(found)
        return None
    terms = (
        Energy(MODEL, FREE_ENERGY),
        Energy(drawn, graph.programs[drawn].names[FREE_ENERGY]),
    )
    chain = Chain(drawn, steps, bool(persistent), count if persistent else 0)
    inner = Sum((Part(-1.0, terms[0]), Part(1.0, terms[1])))
    return Expansion(entry, 1, inner, span, chain=chain)


def _obstacle(
    program: Program, entry: Entry, span: Span, *, is_persistent: bool
) -> Diagnostic | None:
    """Return what is in the way of the two phases of contrastive divergence, if anything."""
    assert program.energy is not None
    observed = [n for n in program.units if program.nodes[n].role == "observed"]
    if not observed:
        return diagnose("E0281", span, objective=entry.name)
    if FREE_ENERGY not in program.nodes:
        hidden = {n for n in program.units if n not in observed}
        pairs = (pair for pair in interactions(program) if set(pair) <= hidden)
        pair = next(pairs, None)
        several = next((n for n in hidden if _has_several_vectors(program.nodes[n])), None)
        reason = "it is not plain at zero of the latent nodes"
        hint = "let each term of a latent node be a product with it, such as `b @ h`"
        if several is not None:
            reason = f"`{several}` has several vectors"
            hint = "give each of them a node of its own"
        if pair is not None:
            shown = " and ".join(f"`{name}`" for name in pair)
            reason = f"the latent nodes {shown} depend on each other given the data"
            hint = f"delete the terms in which {shown} meet, or make one of them observed"
        place = program.energy.value.span
        return diagnose("E0278", place, objective=entry.name, reason=reason, hint=hint)
    given = [n for n, node in program.nodes.items() if isinstance(node, Given)]
    used = (program.energy.name, *program.units)
    if is_persistent and (own := next((n for n in given if _feeds(program, n, used)), None)):
        return diagnose("E0279", span, given=own)
    return None


def _has_several_vectors(node: Node) -> bool:
    """Return whether a node is a matrix of vectors that are drawn each at once."""
    return bool(node.entry and node.entry.result_dims and len(node.sizes or ()) > 1)


def _feeds(program: Program, name: str, used: Iterable[str]) -> bool:
    """Return whether a node is used by some of others, directly or through other nodes."""
    return not nx.descendants(program.digraph, name).isdisjoint(used)


def chain_draw(node: Node, chain: Chain) -> Draw:
    """Return the draw of a unit by a chain."""
    many = f"{chain.steps:,} steps" if chain.steps > 1 else "one step"
    start = "the data"
    if chain.persistent:
        start = f"where {chain.count:,} chains stopped"
    reason = f"{many} of block Gibbs sampling from {start}"
    return Draw(node.name, node.program, CHAIN, CHAIN.variants[0], reason)


def chain_states(typed: TypedGraph, chain: Chain | None) -> tuple[State, ...]:
    """Return the values at which persistent chains stop, [chains, *shape] of each unit."""
    if chain is None or not chain.persistent:
        return ()
    copy = typed.graph.programs[chain.program]
    original = typed.graph.programs[copy.copy_of]
    return tuple(
        State(unit, (chain.count, *typed.types[original.name, unit].shape), 0.0, is_divided=True)
        for unit in chain_state(original)
    )
