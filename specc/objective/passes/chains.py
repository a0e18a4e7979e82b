"""Objectives of energies: the energy of the data minus that of draws by Markov chains.

The gradient of -log p(x) = F(x) + log Z is the gradient of the free energy at the data minus its
mean under the model. Contrastive divergence replaces the model by a Markov chain that has run for
some steps (Hinton 2002).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import networkx as nx
from msgspec.structs import replace

from specc.catalog.objective import Draw as DrawEntry
from specc.catalog.objective import Objective as Entry
from specc.catalog.objective import Variant
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.blocks import chain_state, couples_itself, hidden, visible
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
    """Return the terms of contrastive divergence, and its chain.

    Report what `contrast_terms` does, and persistent chains of a model of which each row has
    another one (E0279).
    """
    terms = contrast_terms(graph, entry, span, findings)
    if terms is None:
        return None
    entry = replace(entry, guided=graph.guide is not None and bool(_guided(graph)))
    return with_chain(graph, Expansion(entry, 1, Sum(terms), span), options, span, findings)


def contrast_terms(
    graph: Graph, entry: Entry, span: Span, findings: Findings
) -> tuple[Part, Part] | None:
    """Return -F(data) + F(chains), where visible units that are not data are draws of the guide.

    Report a model without an energy (E0277), without data (E0281) or without the guide that it
    needs (E0237), and one whose free energy has no closed form (E0278).
    """
    program, drawn = graph.model, draw_of(MODEL)
    if program.energy is None:
        findings.add(diagnose("E0277", span, objective=entry.name))
        return None
    is_broken = any(node.id in findings.broken for node in program.nodes.values())
    if drawn not in graph.programs or is_broken:
        return None
    found = _obstacle(graph, entry, span)
    if found is not None:
        findings.add(found)
        return None
    node = FREE_ENERGY if FREE_ENERGY in program.nodes else program.energy.name
    terms = Energy(MODEL, node), Energy(drawn, graph.programs[drawn].names[node])
    return Part(-1.0, terms[0]), Part(1.0, terms[1])


def with_chain(
    graph: Graph,
    found: Expansion,
    options: Mapping[str, object],
    span: Span,
    findings: Findings,
) -> Expansion | None:
    """Return a loss with the chain that draws the units of an energy, if the loss may need one.

    Report persistent chains of a model of which each row has another one (E0279), or of a loss
    with other terms than those of contrastive divergence (E0295).
    """
    program, drawn = graph.model, draw_of(MODEL)
    if program.energy is None or drawn not in graph.programs:
        return found
    persistent, steps, count, tolerance = (options[key] for key in _OPTIONS)
    assert isinstance(steps, int) and isinstance(count, int)
    assert isinstance(tolerance, (int, float))
    if persistent and (problem := _not_persistent(program, found, span)) is not None:
        findings.add(problem)
        return None
    has_means = FREE_ENERGY not in program.nodes and set(hidden(program)) - set(_guided(graph))
    own = {"tolerance": float(tolerance)} if has_means else {}
    chain = Chain(drawn, steps, bool(persistent), count if persistent else 0, **own)
    return replace(found, chain=chain)


def _guided(graph: Graph) -> tuple[str, ...]:
    """Return the latent units that the guide draws."""
    guide = graph.guide.nodes if graph.guide is not None else {}
    own = (name for name in graph.model.units if name in guide)
    return tuple(name for name in own if graph.model.nodes[name].role == "latent")


def starts(graph: Graph, chain: Chain) -> tuple[str, ...]:
    """Return the units at whose draws of the guide a chain starts."""
    first = () if chain.persistent else chain_state(graph.model)
    return tuple(name for name in first if name in _guided(graph))


_OPTIONS = ("persistent", "steps", "chains", "tolerance")


def _not_persistent(program: Program, found: Expansion, span: Span) -> Diagnostic | None:
    """Return why the chains of a loss cannot go on where they stopped, if they cannot."""
    assert program.energy is not None
    given = [n for n, node in program.nodes.items() if isinstance(node, Given)]
    used = (program.energy.name, *program.units)
    if (own := next((n for n in given if _feeds(program, n, used)), None)) is not None:
        return diagnose("E0279", span, given=own)
    if not all(isinstance(part.term, Energy) for part in found.inner.parts):
        return diagnose("E0295", span)
    return None


def _obstacle(graph: Graph, entry: Entry, span: Span) -> Diagnostic | None:
    """Return what is in the way of the two phases of contrastive divergence, if anything."""
    program = graph.model
    assert program.energy is not None
    if not visible(program):
        return diagnose("E0281", span, objective=entry.name)
    latent = [n for n in visible(program) if program.nodes[n].role == "latent"]
    if latent and graph.guide is None:
        shown = ", ".join(f"`{name}`" for name in latent)
        return diagnose("E0237", span, objective=entry.name, latents=shown)
    for name in (name for name in latent if name not in _guided(graph)):
        return diagnose("E0234", program.nodes[name].span, name=name)
    if FREE_ENERGY not in program.nodes and (found := _no_mean(graph)) is not None:
        reason, hint = found
        place = program.energy.value.span
        return diagnose("E0278", place, objective=entry.name, reason=reason, hint=hint)
    return None


def _no_mean(graph: Graph) -> tuple[str, str] | None:
    """Return why mean-field means do not stand for the latent nodes, and what to do about it."""
    program = graph.model
    for name in (each for each in hidden(program) if each not in _guided(graph)):
        node = program.nodes[name]
        if node.is_moved:
            reason = f"a chain draws the latent node `{name}`, whose means have no closed form"
            return reason, f"delete `draw:` of `{name}`, or make it observed"
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


def is_unit(graph: Graph, program: str, name: str) -> bool:
    """Whether a node of a program, or of a copy of it, is a unit of its energy."""
    own = graph.programs[program]
    if not own.copy_of:
        return name in own.units
    return name in {own.names[unit] for unit in graph.programs[own.copy_of].units}


def unit_draw(graph: Graph, node: Node, chain: Chain) -> Draw:
    """Return the draw of a unit: by a chain, or a mean given the data."""
    if node.program != chain.program:
        reason = f"mean-field updates until no mean changes by more than {chain.tolerance:g}"
        return Draw(node.name, node.program, MEAN_FIELD, MEAN_FIELD.variants[0], reason)
    many = f"{chain.steps:,} steps" if chain.steps > 1 else "one step"
    start = "draws of the guide" if starts(graph, chain) else "the data"
    if chain.persistent:
        start = f"where {chain.count:,} chains stopped"
    if node.draw is not None and node.draw.chain is not None:
        reason = f"{many} of {node.draw.chain.name} from {start}"
        return Draw(node.name, node.program, CHAIN, Variant(node.draw.shown), reason)
    reason = f"{many} of block Gibbs sampling from {start}"
    return Draw(node.name, node.program, CHAIN, CHAIN.variants[0], reason)


def chain_states(typed: TypedGraph, chain: Chain | None) -> tuple[State, ...]:
    """Return the values at which persistent chains stop, [chains, *shape] of each unit."""
    if chain is None or not chain.persistent:
        return ()
    copy = typed.graph.programs[chain.program]
    original = typed.graph.programs[copy.copy_of]
    return tuple(_stops(typed, original.nodes[unit], chain) for unit in chain_state(original))


def _stops(typed: TypedGraph, node: Node, chain: Chain) -> State:
    """Return the state of the chains of a unit: zeros at first, noise for a continuous one."""
    shape = (chain.count, *typed.types[node.id].shape)
    return State(node.name, shape, 0.0, is_divided=True, spread=1.0 if node.is_moved else 0.0)
