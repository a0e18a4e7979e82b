"""Checks of constant probabilities, ordered vectors, Cholesky factors and definite matrices.

Each row of a table of probabilities sums to one; a Cholesky factor is lower triangular with a
positive diagonal; the numbers of an ordered vector increase.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from msgspec import Struct

from specc.catalog.supports import CHOLESKY, POSITIVE_DEFINITE, Ordered, Support, describe
from specc.diagnostics.report import diagnose
from specc.graph.constants import list_of, number_of
from specc.graph.ends import ranges_of_ends
from specc.graph.findings import Findings
from specc.graph.graph import Graph
from specc.graph.nodes import Distributed, Node
from specc.language.expressions.print import print_expression
from specc.language.expressions.tree import Expression, Index
from specc.language.nested import numbers, rows

TOLERANCE = 1e-6
"""The tolerance of the sum of a row, for rounded numbers."""


class Use(Struct, frozen=True):
    """An expression for the parameter `key` of a node, whose last axis has `size` entries."""

    graph: Graph
    node: Node
    key: str
    expression: Expression
    wanted: Support
    size: int | None

    @property
    def table(self) -> Expression:
        """The expression, or the table of which it is an entry."""
        found = self.expression
        while isinstance(found, Index):
            found = found.base
        return found

    def number(self) -> float | None:
        """The common value of all entries, if the expression is a number."""
        found = number_of(self.expression, self.graph.constants, lambda name: None)
        return None if found is None else float(found)


def is_constant(use: Use) -> bool:
    """Whether an expression is constant, or an entry of a constant table."""
    return use.number() is not None or list_of(use.table, use.graph.constants) is not None


def check_constants(use: Use, findings: Findings) -> None:
    """Refuses constants that are no distribution, Cholesky factor, ordered or definite."""
    if use.wanted == CHOLESKY:
        _check_factor(use, findings)
    elif use.wanted == POSITIVE_DEFINITE:
        _check_definite(use, findings)
    elif isinstance(use.wanted, Ordered):
        _check_order(use, findings)
    else:
        _check_rows(use, findings)


def is_empty(
    graph: Graph,
    node: Distributed,
    known: Mapping[str, float],
    support_of: Callable[[Expression], Support],
    findings: Findings,
) -> bool:
    """Whether an interval has no values, whatever its ends are; reports it.

    `known` has the ends that are numbers; of the others `support_of` gives the range.
    """
    limits = node.entry.limits
    low, high = limits.get("least", ""), limits.get("most", "")
    ends = {**ranges_of_ends(node, support_of), **known}
    if low not in ends or high not in ends or ends[low] < ends[high]:
        return False
    path = (*graph.spec.path_of(node.program, node.name), high)
    finding = diagnose(
        "E0365",
        graph.spec.spans.value(path),
        name=node.name,
        lower=low,
        upper=high,
        low=f"{'' if low in known else 'at least '}{ends[low]:g}",
        high=f"{'' if high in known else 'at most '}{ends[high]:g}",
    )
    findings.add(finding, node.id)
    return True


def _check_rows(use: Use, findings: Findings) -> None:
    for place, row in _rows(use):
        total = math.fsum(row)
        if abs(total - 1.0) > TOLERANCE:
            finding = diagnose(
                "E0343",
                use.expression.span,
                expression=place,
                parameter=use.key,
                name=use.node.name,
                total=f"{total:.7g}",
            )
            findings.add(finding, use.node.id)
            return


def _check_order(use: Use, findings: Findings) -> None:
    for place, row in _rows(use):
        for before, value in pairwise(row):
            if value <= before:
                finding = diagnose(
                    "E0364",
                    use.expression.span,
                    expression=place,
                    parameter=use.key,
                    name=use.node.name,
                    expected=describe(use.wanted),
                    before=f"{before:g}",
                    value=f"{value:g}",
                )
                findings.add(finding, use.node.id)
                return


def _rows(use: Use) -> Iterator[tuple[str, list[float]]]:
    """Each row with its name in messages: `table[0, 2]`, or `3 times 0.2`."""
    number = use.number()
    if number is not None:
        count = use.size or 1
        yield f"{count} times {number:g}", [number] * count
        return
    for at, row in rows(list_of(use.table, use.graph.constants)):
        yield _entry(use.table, at), list(numbers(row))


def _check_factor(use: Use, findings: Findings) -> None:
    wrong = next(_wrong_entries(use), None)
    if wrong is not None:
        place, value = wrong
        finding = diagnose(
            "E0344",
            use.expression.span,
            expression=place,
            parameter=use.key,
            name=use.node.name,
            value=f"{value:g}",
        )
        findings.add(finding, use.node.id)


def _wrong_entries(use: Use) -> Iterator[tuple[str, float]]:
    """The nonzero entries above the diagonal, and those on it that are not positive."""
    number = use.number()
    if number is not None:
        if number <= 0.0 or (use.size or 1) > 1:
            yield f"every entry of {print_expression(use.expression)}", number
        return
    for at, row in rows(list_of(use.table, use.graph.constants)):
        values = list(numbers(row))
        if not at:  # one row, which broadcasts to every row of the matrix
            wrong = [v for v in values if v != 0.0] if len(values) > 1 else []
            yield from ((f"every row of {print_expression(use.table)}", v) for v in wrong[:1])
            at = (0,)
        for column in range(at[-1], len(values)):
            on_diagonal, value = column == at[-1], values[column]
            if value <= 0.0 if on_diagonal else value != 0.0:
                yield _entry(use.table, (*at, column)), value


def _check_definite(use: Use, findings: Findings) -> None:
    problem = _indefinite(use)
    if problem:
        finding = diagnose(
            "E0356",
            use.expression.span,
            expression=print_expression(use.expression),
            parameter=use.key,
            name=use.node.name,
            problem=problem,
        )
        findings.add(finding, use.node.id)


def _indefinite(use: Use) -> str:
    """Why a constant is not positive definite, or nothing."""
    number = use.number()
    if number is not None:
        wrong = number <= 0.0 or (use.size or 1) > 1
        return "is the same number in every entry" if wrong else ""
    table = [list(numbers(row)) for _, row in rows(list_of(use.expression, use.graph.constants))]
    if any(len(row) != len(table) for row in table):
        return "repeats a row"
    for i, row in enumerate(table):
        for j in range(i):
            if row[j] != table[j][i]:
                return f"is {row[j]:g} at [{i}, {j}] and {table[j][i]:g} at [{j}, {i}]"
    return "" if _has_factor(table) else "has an eigenvalue that is not positive"


def _has_factor(table: list[list[float]]) -> bool:
    """Whether a symmetric matrix has a Cholesky factor."""
    factor: list[list[float]] = []
    for i, row in enumerate(table):
        found: list[float] = []
        for j in range(i):
            inner = math.fsum(a * b for a, b in zip(found, factor[j], strict=False))
            found.append((row[j] - inner) / factor[j][j])
        left = row[i] - math.fsum(a * a for a in found)
        if left <= 0.0:
            return False
        factor.append([*found, math.sqrt(left)])
    return True


def _entry(table: Expression, at: tuple[int, ...]) -> str:
    """The entry of a table at a position in messages: `table[0, 2]`."""
    shown = print_expression(table)
    return f"{shown}[{', '.join(map(str, at))}]" if at else shown
