"""Checks plates of which an update touches only the elements that its batch names.

With rows i that name the elements k(i) of a plate with n_k rows each, a batch of B of N rows gives

    sum_k f_k = E[ N / B sum_(i in batch) f_k(i) / n_k(i) ]

for values f_k of single elements, such as the log-densities of a prior: the sum over a plate is
estimated without bias from the elements of a batch (Hoffman et al. 2013, section 2.5, for rows).
Everything else must depend on elements that the data name, and elements must not depend on each
other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specc.diagnostics.nearest import nearest
from specc.diagnostics.report import diagnose
from specc.graph.findings import Findings
from specc.graph.graph import TypedGraph
from specc.graph.nodes import Node
from specc.graph.queries import is_data, plate_node
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Expression, Index, Name, Over
from specc.language.expressions.walk import walk
from specc.objective.objective import Player

FACTORED = "adafactor"
"""The optimizer whose state has no entry for each of a parameter (Shazeer and Stern 2018)."""

Problem = tuple[str, str]
"""Why a plate cannot be subsampled, and what can be done."""


def check_subsample(typed: TypedGraph, players: Sequence[Player], findings: Findings) -> None:
    """Report plates of `subsample` that are unknown (E0467) or cannot be subsampled (E0468)."""
    spec, graph = typed.graph.spec, typed.graph
    for number, plate in enumerate(spec.document.train.subsample or ()):
        span = spec.spans.value(("train", "subsample", number))
        if plate not in graph.plates and plate not in graph.scans:
            guess = nearest(plate, graph.plates)
            hint = f"did you mean `{guess}`?" if guess else "name plates that have a number"
            findings.add(diagnose("E0467", span, labels=(), name=plate, hint=hint))
            continue
        found = next(_problems(typed, players, plate), None)
        if found is not None:
            reason, hint = found
            words = {"plate": plate, "reason": reason, "hint": hint}
            findings.add(diagnose("E0468", span, labels=(), **words))


def _problems(typed: TypedGraph, players: Sequence[Player], plate: str) -> Iterator[Problem]:
    """Yield the reasons why a plate cannot be subsampled."""
    graph, document = typed.graph, typed.graph.spec.document
    leave = f"leave `{plate}` out of `subsample`"
    if plate in graph.scans:
        yield "each row has all of its elements", leave
        return
    if document.posterior is not None:
        yield "a sampler moves all elements together", leave
    if len(players) > 1:
        yield "the spec has several losses, with batches of their own", leave
    if document.train.accumulate > 1:
        yield "a batch comes in parts, which name different elements", "remove `accumulate`"
    if document.train.optimizer.name == FACTORED:
        yield f"`{FACTORED}` has one moment for several elements", "use `adam`"
    nodes = [node for program in graph.programs.values() for node in program.nodes.values()]
    if not any(node.plate_index == plate for node in nodes):
        index = f"{{given: ..., plate_index: {plate}}}"
        yield "no node says which element a row belongs to", f"declare one, as `{index}`"
    for node in nodes:
        yield from _of_node(typed, players, node, plate)


def _of_node(
    typed: TypedGraph, players: Sequence[Player], node: Node, plate: str
) -> Iterator[Problem]:
    """Yield the reasons that a node gives."""
    leave = f"leave `{plate}` out of `subsample`"
    if plate in typed.types[node.id].plates:
        if len(typed.types[node.id].plates) > 1:
            yield f"`{node.name}` is on another plate, too", leave
        for player in players:
            draw = player.draws.get(node.name)
            if draw is not None and not (draw.is_pathwise or draw.is_point):
                how = f"a gradient of `{node.name}` has the draw `{draw.kind}`"
                yield f"{how}, which needs all elements", f"use `draw: pathwise`, or {leave}"
    for expression in node.expressions():
        yield from ((reason, leave) for reason in _of_expression(typed, node, expression, plate))


def _of_expression(
    typed: TypedGraph, node: Node, expression: Expression, plate: str
) -> Iterator[str]:
    """Yield the uses of elements that the data do not name."""
    graph = typed.graph
    for part in walk(expression):
        if isinstance(part, Over) and part.plate == plate:
            yield f"`{print_expression(part)}` uses all elements"
        if not isinstance(part, Index):
            continue
        base = plate_node(graph, node.program, part.base)
        if base is None or base.plate != plate:
            continue
        index = part.indices[0]
        known = graph.lookup(node.program, index.id) if isinstance(index, Name) else None
        if known is None or not is_data(known) or known.plate_index != plate:
            yield f"the data do not name the element `{print_expression(part)}`"
