"""Objectives of energies: the energy of the data minus that of draws by Markov chains.

The gradient of -log p(x) = F(x) + log Z is the gradient of the free energy at the data minus its
mean under the model. Contrastive divergence replaces the model by a Markov chain that has run for
some steps (Hinton 2002).
"""

from __future__ import annotations

from collections.abc import Mapping

from specc.catalog.objective import Draw as DrawEntry
from specc.catalog.objective import Objective as Entry
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.blocks import chain_state
from specc.graph.findings import Findings
from specc.graph.graph import FREE_ENERGY, MODEL, Graph, TypedGraph, draw_of
from specc.graph.nodes import Node
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
    """Return the terms -F(data) + F(chains); report a model without an energy (E0277)."""
    program = graph.programs[MODEL]
    if program.energy is None:
        findings.add(diagnose("E0277", span, objective=entry.name))
        return None
    drawn = draw_of(MODEL)
    node = FREE_ENERGY if FREE_ENERGY in program.nodes else program.energy.name
    if drawn not in graph.programs:
        return None  # a part of the model is broken
    terms = Energy(MODEL, node), Energy(drawn, graph.programs[drawn].names[node])
    persistent, steps, count = (options[k] for k in ("persistent", "steps", "chains"))
    assert isinstance(steps, int) and isinstance(count, int)
    chain = Chain(drawn, steps, bool(persistent), count if persistent else 0)
    inner = Sum((Part(-1.0, terms[0]), Part(1.0, terms[1])))
    return Expansion(entry, 1, inner, span, chain=chain)


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
