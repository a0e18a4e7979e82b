"""The numbers of axes of expressions, which are known before their sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from specc.catalog.entry import ShapeMismatch
from specc.catalog.registry import FUNCTIONS
from specc.diagnostics.source import Span
from specc.language.expressions.tree import (
    Binary,
    Call,
    Expression,
    Index,
    Name,
    Negate,
    Over,
    Sequence,
)

UNKNOWN = -1
"""The number of axes of what a link returns, which has those of the other side of an operation."""


def rank_of(e: Expression, of_name: Callable[[str], int], of_link: Callable[[Call], int]) -> int:
    """The number of axes of the event of an expression."""

    def rank(part: Expression) -> int:
        return rank_of(part, of_name, of_link)

    match e:
        case Name(id=name):
            return of_name(name)
        case Negate(operand=operand):
            return rank(operand)
        case Binary(operator="@", left=left, right=right):
            return max(rank(left), 1) + max(rank(right), 1) - 2
        case Binary(left=left, right=right):
            return max(rank(left), rank(right))
        case Call(function=function, arguments=arguments):
            return _rank_of_call(e, function, [rank(a) for a in arguments], of_link)
        case Sequence(items=items):
            return 1 + rank(items[0])
        case Over(operand=operand, form=form):
            return 1 if form.flattens else rank(operand)
        case Index(base=base, indices=indices):
            return max(rank(base) - len(indices), 0) + max(0, *map(rank, indices))
    return 0


def entry_rank(indexed: Index, ranks: Mapping[Span, int]) -> int:
    """The number of axes of each entry that the indices select, which may be arrays."""
    return ranks[indexed.span] - max(ranks.get(index.span, 0) for index in indexed.indices)


def _rank_of_call(
    call: Call, function: str, ranks: list[int], of_link: Callable[[Call], int]
) -> int:
    if function not in FUNCTIONS:
        return of_link(call)
    entry = FUNCTIONS[function]
    if entry.elementwise:
        return max(ranks, default=0)
    least, most = entry.arity
    if not least <= len(ranks) <= (most or len(ranks)):
        return 0  # reported with the other calls
    shapes = [(2,) if n in entry.sizes else (2,) * rank for n, rank in enumerate(ranks)]
    try:
        return len(entry.shape(tuple(shapes)))
    except ShapeMismatch:
        return 0
