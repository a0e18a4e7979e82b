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
from specc.graph.blocks import chain_state, couples_itself, latents
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

MEAN_FIELD = DrawEntry(
    name="mean_field",
    summary="The means of the product q of densities of single nodes that is nearest to p(h | v).",
    formula="q(h) = prod_i q_i(h_i) minimizes KL(q || p(h | v)); E_q[E(v, h)] = E(v, E_q[h])",
    references=(),
    example="",
    chain=True,
)
"""The value of latent units given the data, for energies that are linear in each of them."""


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
    persistent, steps, count, tolerance = (options[key] for key in _OPTIONS)
    assert isinstance(steps, int) and isinstance(count, int)
    assert isinstance(tolerance, (int, float))
    found = _obstacle(program, entry, span, is_persistent=bool(persistent))
    if found is not None:
        findings.add(found)
        return None
    node = FREE_ENERGY if FREE_ENERGY in program.nodes else program.energy.name
    terms = Energy(MODEL, node), Energy(drawn, graph.programs[drawn].names[node])
    has_means = node != FREE_ENERGY and bool(latents(program))
    own = {"tolerance": float(tolerance)} if has_means else {}
    chain = Chain(drawn, steps, bool(persistent), count if persistent else 0, **own)
    inner = Sum((Part(-1.0, terms[0]), Part(1.0, terms[1])))
    return Expansion(entry, 1, inner, span, chain=chain)


_OPTIONS = ("persistent", "steps", "chains", "tolerance")


def _obstacle(
    program: Program, entry: Entry, span: Span, *, is_persistent: bool
) -> Diagnostic | None:
    """Return what is in the way of the two phases of contrastive divergence, if anything."""
    assert program.energy is not None
    if all(program.nodes[name].role != "observed" for name in program.units):
        return diagnose("E0281", span, objective=entry.name)
    if FREE_ENERGY not in program.nodes and (found := _no_mean(program)) is not None:
        reason, hint = found
        place = program.energy.value.span
        return diagnose("E0278", place, objective=entry.name, reason=reason, hint=hint)
    given = [n for n, node in program.nodes.items() if isinstance(node, Given)]
    used = (program.energy.name, *program.units)
    if is_persistent and (own := next((n for n in given if _feeds(program, n, used)), None)):
        return diagnose("E0279", span, given=own)
    return None


def _no_mean(program: Program) -> tuple[str, str] | None:
    """Return why mean-field means do not stand for the latent nodes, and what to do about it."""
    for name in latents(program):
        node = program.nodes[name]
        if node.entry is not None and node.entry.conditional and node.entry.conditional.quadratic:
            reason = f"the latent node `{name}` depends on others, and its square is in the energy"
            return reason, "let only nodes that are linear in the energy depend on latent nodes"
        if couples_itself(program, name):
            reason = f"the entries of the latent node `{name}` depend on each other"
            return reason, f"delete the products of entries of `{name}`"
    return None


def _feeds(program: Program, name: str, used: Iterable[str]) -> bool:
    """Return whether a node is used by some of others, directly or through other nodes."""
    return not nx.descendants(program.digraph, name).isdisjoint(used)


def unit_draw(node: Node, chain: Chain) -> Draw:
    """Return the draw of a unit: by a chain, or a mean given the data."""
    if node.program != chain.program:
        reason = f"mean-field updates until no mean changes by more than {chain.tolerance:g}"
        return Draw(node.name, node.program, MEAN_FIELD, MEAN_FIELD.variants[0], reason)
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
