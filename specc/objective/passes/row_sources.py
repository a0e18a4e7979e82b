"""The sources of data whose rows the terms of a loss are: each term is averaged over one source.

With sources A and B whose rows are not paired,

    loss = mean over rows a of A of sum_i t_i(a)  +  mean over rows b of B of sum_j t_j(b)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import MODEL, TypedGraph
from specc.graph.nodes import NodeId
from specc.language.expressions.tree import Number
from specc.objective.objective import Player
from specc.objective.passes.bounds import Expansion
from specc.objective.passes.buffers import find_buffers
from specc.objective.terms import Divergence, Energy, LogProb, Part, Term, Value, value_node, walk


def sources_of(typed: TypedGraph, term: Term) -> tuple[str, ...]:
    """The sources of the rows that a term is of, in the order of the spec."""
    found = {typed.types[node].source for node in _local(typed, term)}
    return tuple(source for source in typed.graph.sources if source in found)


def _nodes(term: Term) -> Iterator[NodeId]:
    """The nodes whose densities or values are in a term."""
    for leaf in walk(term):
        if isinstance(leaf, LogProb):
            yield leaf.program, leaf.node
        elif isinstance(leaf, Divergence):
            yield MODEL, leaf.node
        elif isinstance(leaf, Energy):
            yield leaf.program, leaf.node
        elif isinstance(leaf, Value) and not isinstance(leaf.expression, Number):
            yield value_node(leaf.expression)


def _local(typed: TypedGraph, term: Term) -> Iterator[NodeId]:
    return (node for node in _nodes(term) if node in typed.types and typed.types[node].is_local)


def by_source(typed: TypedGraph, parts: Iterable[Part]) -> dict[str, list[Part]]:
    """The parts of a sum by the source of their rows; numbers alone are with the first source."""
    groups: dict[str, list[Part]] = {source: [] for source in typed.graph.sources}
    for part in parts:
        source = next(iter(sources_of(typed, part.term)), typed.graph.sources[0])
        groups[source].append(part)
    return {source: group for source, group in groups.items() if group}


def densities_are_paired(typed: TypedGraph, program: str) -> bool:
    """Whether all local random nodes of a program have values for the rows of one source."""
    nodes = typed.graph.programs[program].nodes.values()
    kinds = [typed.types[node.id] for node in nodes if node.is_random and node.id in typed.types]
    return len({kind.source for kind in kinds if kind.is_local}) < 2


def check_sources(
    typed: TypedGraph, player: Player, expansion: Expansion, findings: Findings
) -> None:
    """Checks that the loss is a sum of means, each over the rows of one source (E0461)."""
    if len(typed.graph.sources) < 2:
        return
    reason = _reason(typed, player)
    if reason is not None:
        sources = sources_of(typed, player.minimize)
        first, second = (sources if len(sources) > 1 else typed.graph.sources)[:2]
        problem, hint = reason
        found = diagnose(
            "E0461", expansion.span, first=first, second=second, reason=problem, hint=hint
        )
        findings.add(found)


def _reason(typed: TypedGraph, player: Player) -> tuple[str, str] | None:
    """Why the loss is no such sum, and what to do about it."""
    if any(len(sources_of(typed, part.term)) > 1 for part in player.parts):
        return "a function of its terms has both in one row", "write a sum of terms, one for each"
    several = len(sources_of(typed, player.minimize)) > 1
    if several and player.bound.how == "logmeanexp" and player.particles > 1:
        hint = "let another player minimize the terms of one of them, or write `elbo`"
        return "the log of a mean over particles is of the terms of one row", hint
    for buffer in find_buffers(typed.graph, player.minimize):
        source = typed.types[buffer.node.id].source
        if source != typed.graph.sources[0]:
            problem = f"`{buffer.call.span.text}` can hold rows of the first source alone"
            return problem, f"declare `{source}` before the other sources"
    for part in player.parts:
        for term in walk(part.term):
            if isinstance(term, (LogProb, Divergence)):
                node = (term.program if isinstance(term, LogProb) else MODEL, term.node)
                if not typed.types[node].is_local:
                    problem = f"`{term.node}` is shared by all rows, so its density counts once"
                    return problem, "write a parameter, or give it a value for each row"
    return None
