"""Prints the objective stage: the loss as a tree of terms, the draws, the score gradients."""

from __future__ import annotations

from collections.abc import Iterator

from specc.objective.objective import Objective, Player
from specc.objective.terms import Divergence, LogProb, Reduce, Sum, Term


def print_objective(objective: Objective) -> str:
    """Each player's loss, how every latent is drawn, and what was decided on the way."""
    return "\n".join(_lines(objective)) + "\n"


def _lines(objective: Objective) -> Iterator[str]:
    yield f"objective {objective.entry.name}, {objective.particles} particles"
    for player in objective.players:
        yield from _player(player)
    for name, draw in objective.draws.items():
        option = f" ({draw.option})" if draw.option else ""
        yield f"draw {name} in {draw.program}: {draw.kind}{option}"
    for decision in objective.decisions:
        yield f"decided {decision.subject}: {decision.choice}, because {decision.reason}"


def _player(player: Player) -> Iterator[str]:
    yield f"player {player.name} minimizes"
    yield from _term(player.minimize, 1)
    for surrogate in player.surrogates:
        yield f"  score of {surrogate.node}, baseline {surrogate.baseline}, weighed by"
        for part in surrogate.costs:
            yield f"    {part.coefficient:+g}"
            yield from _term(part.term, 3)
        for term in surrogate.dropped:
            yield "    left out"
            yield from _term(term, 3)


def _term(term: Term, depth: int) -> Iterator[str]:
    indent = "  " * depth
    match term:
        case LogProb(program=program, node=node, rows=rows):
            where = "" if rows == "all" else f", where it is {rows}"
            yield f"{indent}log_prob {program}.{node}{where}"
        case Divergence(node=node):
            yield f"{indent}kl {node}"
        case Reduce(how=how, axes=axes, term=inner):
            yield f"{indent}{how} over {', '.join(axes)}"
            yield from _term(inner, depth + 1)
        case Sum(parts=parts):
            yield f"{indent}sum"
            for part in parts:
                yield f"{indent}  {part.coefficient:+g}"
                yield from _term(part.term, depth + 2)
