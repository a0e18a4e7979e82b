"""The normalized density of an energy, log p(x) = log h(x) - F(x) - log Z, by sums over states.

log Z is exact where the units that are not summed out in closed form have few states. Its gradient
is minus the mean of that of the energy under the model, so that of log p is exact, too. If the
energy depends on given values, so does Z: the density is conditional.
"""

from __future__ import annotations

from specc.catalog.objective import Objective as Entry
from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph import nodes
from specc.graph.blocks import below, conditions, hidden, moved, visible
from specc.graph.findings import Findings
from specc.graph.graph import FREE_ENERGY, LOG_BASE, MODEL, Graph, Program
from specc.objective.passes.bounds import Expansion
from specc.objective.terms import Conditionals, Energy, LogProb, Part, StateSum, Sum


def density_of_energy(program: Program) -> Sum | None:
    """Return the terms of log p of the data; None if it is not a sum over few states."""
    energy = program.energy
    if energy is None or energy.log_z is None or not energy.log_z.free:
        return None
    if below(program) or not visible(program):
        return None
    base = [Part(1.0, Energy(MODEL, LOG_BASE))] if LOG_BASE in program.nodes else []
    if energy.of_row is not None:
        if not energy.of_row.free:
            return None
        own = Part(1.0, _sum(energy.of_row))
    else:
        own = Part(-1.0, Energy(MODEL, FREE_ENERGY if hidden(program) else energy.name))
    return Sum((*base, own, Part(-1.0, _sum(energy.log_z))))


def _sum(found: nodes.StateSum) -> StateSum:
    return StateSum(MODEL, found.free, found.units)


def no_density(graph: Graph, objective: str, span: Span) -> Diagnostic:
    """What is wrong with a normalized density of a model with an energy (E0276, E0294)."""
    for name in below(graph.model):
        label = (Label(graph.model.nodes[name].span, "it is drawn given its parents"),)
        return diagnose("E0294", span, labels=label, objective=objective, name=name)
    return diagnose("E0276", span, objective=objective)


def unnormalized_joint(graph: Graph) -> Sum | None:
    """Return the terms of log p of a row, up to log Z, where nodes are below the energy.

    The hidden units are summed out if the guide does not draw them. None if they cannot be, or if
    they have a base measure.
    """
    program, guide = graph.model, graph.guide
    if program.energy is None or program.energy.log_z is None or not below(program):
        return None
    drawn = [name for name in hidden(program) if guide is not None and name in guide.nodes]
    if drawn != list(hidden(program)) and (drawn or FREE_ENERGY not in program.nodes):
        return None
    if any(_has_base(program, name) for name in drawn):
        return None
    is_summed = bool(hidden(program)) and not drawn
    parts = [Part(-1.0, Energy(MODEL, FREE_ENERGY if is_summed else program.energy.name))]
    if LOG_BASE in program.nodes:
        parts.append(Part(1.0, Energy(MODEL, LOG_BASE)))
    return Sum((*parts, *(Part(1.0, LogProb(MODEL, name)) for name in below(program))))


def _has_base(program: Program, name: str) -> bool:
    """Whether the base measure of a unit is not constant."""
    entry = program.nodes[name].entry
    return entry is not None and entry.conditional is not None and bool(entry.conditional.log_base)


def exact_likelihood(
    graph: Graph, entry: Entry, span: Span, findings: Findings
) -> Expansion | None:
    """Return the terms of log p of the data under an energy.

    Report an energy without data (E0281), and one with too many states (E0283).
    """
    program = graph.programs[MODEL]
    energy = program.energy
    assert energy is not None
    if energy.log_z is None or energy.id in findings.broken:
        return None  # a part of the model is broken
    if not visible(program):
        findings.add(diagnose("E0281", span, objective=entry.name))
        return None
    for found, what in ((energy.log_z, "log Z"), (energy.of_row, "the density of a row")):
        if found is not None and not found.free:
            words = {"objective": entry.name, "what": what, "states": in_words(found.log2_states)}
            of = " and ".join(f"`{name}`" for name in found.units)
            most = "2^20" if found is energy.log_z else "2^16"
            findings.add(diagnose("E0283", span, labels=(), **words, units=of, most=most))
            return None
    terms = density_of_energy(program)
    assert terms is not None
    return Expansion(entry, 1, terms, span)


def conditionals(graph: Graph, entry: Entry, span: Span, findings: Findings) -> Expansion | None:
    """Return the sum of log p of each entry of the data given all others.

    Report a model without an energy (E0277) or without data (E0281), latent nodes that cannot be
    summed out (E0278), and an observed node of infinitely many values that interacts with latent
    ones (E0284).
    """
    program = graph.programs[MODEL]
    energy = program.energy
    if energy is None:
        findings.add(diagnose("E0277", span, objective=entry.name))
        return None
    if energy.id in findings.broken:
        return None  # a part of the model is broken
    if not visible(program):
        findings.add(diagnose("E0281", span, objective=entry.name))
        return None
    if moved(program):
        words = {
            "objective": entry.name,
            "reason": f"a chain moves `{moved(program)[0]}`",
            "hint": "write `objective: {cd: {steps: 10}}`",
        }
        findings.add(diagnose("E0278", energy.value.span, labels=(), **words))
        return None
    inner = hidden(program)
    if inner and FREE_ENERGY not in program.nodes:
        words = {
            "objective": entry.name,
            "reason": "the latent nodes depend on each other",
            "hint": "let no latent node depend on another one, or write `objective: {cd: {}}`",
        }
        findings.add(diagnose("E0278", energy.value.span, labels=(), **words))
        return None
    for name in visible(program):
        node = program.nodes[name]
        assert node.entry is not None
        other = next((h for h in inner if h in conditions(program, name)), None)
        if other is not None and not node.entry.finite:
            words = {
                "objective": entry.name,
                "name": name,
                "kind": node.entry.name,
                "latent": other,
            }
            findings.add(diagnose("E0284", node.span, labels=(), **words))
            return None
    own = Conditionals(MODEL, FREE_ENERGY if inner else energy.name)
    return Expansion(entry, 1, Sum((Part(1.0, own),)), span)


def in_words(log2_states: float) -> str:
    """Return a number of states: `2^784`, `infinitely many`."""
    if log2_states == float("inf"):
        return "infinitely many"
    return "2^" + f"{log2_states:.1f}".removesuffix(".0")
