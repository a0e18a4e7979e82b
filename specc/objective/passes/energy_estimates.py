"""Which estimates of log p a program with an energy allows: log Z by sums or by annealing.

The run decides by the manifest, in `specc/evaluate/energies/choice.py`, by the same rules.
"""

from __future__ import annotations

import math

import networkx as nx

from specc.graph.blocks import blocks, couples_itself, hidden
from specc.graph.constants import number_of
from specc.graph.graph import FREE_ENERGY, MODEL, Program, TypedGraph

ANNEALED = "ais"
"""The estimator by annealed importance sampling, which needs an energy."""

MOST, MOST_OF_A_ROW = 20, 16
"""The binary units whose states are summed for log Z, and for the latents of each row."""

Refusal = tuple[str, str]
"""The reason why an estimate is not allowed, and a hint."""


def energy_refusal(typed: TypedGraph, estimator: str) -> Refusal | None:
    """Return why an estimate of the density of an energy is not allowed; None if it is allowed."""
    program = typed.graph.programs[MODEL]
    refusal = _not_annealed(program)
    if refusal is not None or estimator == ANNEALED:
        return refusal
    reason = differs_between_rows(typed, program) or _not_summed(typed, program)
    if reason is None:
        return None
    if estimator != "exact":
        return f"it has no guide, and {reason}", f"an estimate that it has is `{ANNEALED}`"
    return reason, f"write `{ANNEALED}`, annealed importance sampling"


def differs_between_rows(typed: TypedGraph, program: Program) -> str | None:
    """Return why log Z is not the same number for all rows; None if it is."""
    assert program.energy is not None
    for name in program.units:
        if _has_total(program, name) and _total(typed, program, name) is None:
            return f"the total count of `{name}` differs between rows, and log Z with it"
    behind = nx.ancestors(program.digraph, program.energy.name)
    for name in program.order:
        if name in behind and program.nodes[name].role == "given":
            return f"its energy depends on `{name}`, and log Z therefore differs between rows"
    return None


def _not_summed(typed: TypedGraph, program: Program) -> str | None:
    """Return why log Z, or the density of a row, is no sum over few states."""
    moved = [name for name in program.units if program.nodes[name].is_moved]
    if moved:
        return f"the density of `{moved[0]}` given the others has no closed form"
    states = _fewest_states(typed, program, ())
    if states > MOST:
        return f"log Z is a sum over {_in_words(states)} states, and at most 2^{MOST} are summed"
    count = _states_of_a_row(typed, program)
    if count > MOST_OF_A_ROW:
        found = f"the latents of each row have {_in_words(count)} states, and at most "
        return f"{found}2^{MOST_OF_A_ROW} are summed"
    return None


def _not_annealed(program: Program) -> Refusal | None:
    """Return why log Z of the units is not available in any way."""
    hint = "delete the metric; a metric of samples compares draws with the data"
    for name in hidden(program):
        if program.nodes[name].is_moved:
            return f"a chain draws `{name}`, and nothing sums it out of the density", hint
    return None


def _states_of_a_row(typed: TypedGraph, program: Program) -> float:
    """Return the log2 of the number of states of latents that are enumerated for a row."""
    observed = tuple(n for n in program.units if program.nodes[n].role == "observed")
    if FREE_ENERGY in program.nodes or len(observed) == len(program.units):
        return 0.0
    return _fewest_states(typed, program, observed)


def _fewest_states(typed: TypedGraph, program: Program, clamped: tuple[str, ...]) -> float:
    """Return the log2 of the states that remain if the best block is summed out in closed form.

    Entries that interact are not summed out.
    """
    sizes = {n: _log2_states(typed, program, n) for n in program.units if n not in clamped}
    closed = {name for name in sizes if not couples_itself(program, name)}
    choices = [closed.intersection(block) for block in blocks(program)]
    return min(sum(sizes[n] for n in sizes if n not in summed) for summed in choices)


def _log2_states(typed: TypedGraph, program: Program, name: str) -> float:
    """Return the log2 of the number of values of a unit, infinity if it is not finite."""
    node, kind = program.nodes[name], typed.types[program.name, name]
    assert node.entry is not None
    rank = kind.support.event_rank
    events = math.prod(kind.shape[: len(kind.shape) - rank])
    if node.entry.finite:
        classes = kind.shape[-1] if rank else getattr(kind.support, "high", 0) + 1
        return events * math.log2(classes)
    total = _total(typed, program, name)
    if total is None:
        return math.inf
    return events * math.log2(math.comb(int(total) + kind.shape[-1] - 1, kind.shape[-1] - 1))


def _has_total(program: Program, name: str) -> bool:
    entry = program.nodes[name].entry
    return entry is not None and "total" in entry.limits


def _total(typed: TypedGraph, program: Program, name: str) -> float | None:
    """Return the total count of a unit, if it is a number."""
    node = program.nodes[name]
    if node.entry is None or not _has_total(program, name):
        return None
    expression = node.arguments.get(node.entry.limits["total"])
    if expression is None:
        return None
    return number_of(expression, typed.graph.constants, lambda other: None)


def _in_words(log2_states: float) -> str:
    """Return a number of states: `2^784`, `infinitely many`."""
    if math.isinf(log2_states):
        return "infinitely many"
    return "2^" + f"{log2_states:.1f}".removesuffix(".0")
