"""Prints an objective: losses as trees of terms, draws, score gradients, decisions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from specc.counted import noun
from specc.language.expressions.print import print_expression
from specc.objective.objective import Objective, Player, Surrogate
from specc.objective.terms import (
    ChainDivergence,
    Divergence,
    Energy,
    LogProb,
    Operation,
    Reduce,
    Sum,
    Term,
    Value,
    fold,
)


def print_objective(objective: Objective) -> str:
    """Return the text of an objective: the loss, draws and decisions of each player."""
    return "\n".join(_lines(objective)) + "\n"


def _lines(objective: Objective) -> Iterator[str]:
    if len(objective.players) > 1 and not objective.stages:
        yield f"{len(objective.players)} {objective.order} players"
    for player in objective.players:
        yield from _stage(objective, player)
        particles = f"{player.particles} {noun(player.particles, 'particle')}"
        yield f"objective {player.entry.name}, {particles}"
        yield from _player(player)


def _stage(objective: Objective, player: Player) -> Iterator[str]:
    """Yield the head of a stage before its first player."""
    for stage in objective.stages:
        if stage.players[0] == player.name:
            yield f"stage {stage.name}, {len(stage.players)} {stage.order} players"
            for copy in stage.copies:
                yield f"copy {copy} to {copy.target}"


def _player(player: Player) -> Iterator[str]:
    trained = f", training {', '.join(player.links)}," if player.links is not None else ""
    yield f"player {player.name}{trained} minimizes"
    yield from _term(player.minimize, 1)
    for surrogate in player.surrogates:
        yield from _surrogate(surrogate)
    for state in player.state:
        yield f"state {state.name} of shape {list(state.shape)}, at first {state.initial:g}"
    for name, draw in player.draws.items():
        option = f" ({draw.option})" if draw.option else ""
        yield f"draw {name} in {draw.program}: {draw.kind}{option}"
    for decision in player.decisions:
        yield f"decided {decision.subject}: {decision.choice}, because {decision.reason}"


def _surrogate(surrogate: Surrogate) -> Iterator[str]:
    yield f"  score of {surrogate.node}, baseline {surrogate.baseline}, weighed by"
    for part in surrogate.costs:
        yield f"    {part.coefficient:+g}"
        yield from _term(part.term, 3)
    for term in surrogate.dropped:
        yield "    left out"
        yield from _term(term, 3)


def _term(term: Term, depth: int) -> list[str]:
    return _indented(fold(term, _tree), depth)


def _tree(term: Term, inside: tuple[list[str], ...]) -> list[str]:
    """Return the lines of a term, followed by the indented lines of the terms inside it."""
    lines = [_head(term)]
    if not isinstance(term, Sum):
        return lines + [line for tree in inside for line in _indented(tree, 1)]
    for part, tree in zip(term.parts, inside, strict=True):
        lines += [f"  {part.coefficient:+g}", *_indented(tree, 2)]
    return lines


def _head(term: Term) -> str:
    match term:
        case LogProb(program=program, node=node, rows=rows):
            return f"log_prob {program}.{node}" + ("" if rows == "all" else f", where it is {rows}")
        case ChainDivergence(node=node):
            return f"kl {node}, {'one random step' if term.is_random else 'given the start'}"
        case Divergence(node=node):
            return f"kl {node}"
        case Value(expression=expression):
            return f"value {print_expression(expression)}"
        case Energy(program=program):
            return " ".join((term.kind, program, *term.bound))
        case Operation():
            return f"apply {term.function}"
        case Reduce(how=how, axes=axes):
            return f"{how} over {', '.join(axes)}"
        case Sum():
            return "sum"
        case _:
            assert_never(term)


def _indented(lines: list[str], depth: int) -> list[str]:
    return ["  " * depth + line for line in lines]
