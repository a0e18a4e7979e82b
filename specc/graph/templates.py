"""Expressions of catalog entries, such as `c / a`, with those of a spec in their places."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.source import Source, Span
from specc.graph import calculus
from specc.language.expressions.parse import parse
from specc.language.expressions.tree import Binary, Call, Expression, Name, Number
from specc.language.expressions.walk import rewrite


def inserted(template: str, places: Mapping[str, Expression]) -> Expression:
    """The expression of a catalog entry with others in place of its names."""
    source = Source("catalog", template)
    found = parse(template, lambda start, end: Span(source, start, end))
    assert not isinstance(found, Diagnostic), template

    def change(part: Expression) -> Expression | None:
        return places.get(part.id) if isinstance(part, Name) else None

    return rewrite(found, change)


def simplified(expression: Expression) -> Expression:
    """The expression without factors and divisors of 1, and roots of 1."""
    match expression:
        case Binary(operator="/", left=left, right=right):
            return calculus.over(simplified(left), simplified(right))
        case Binary(operator="*", left=left, right=right):
            return calculus.times(simplified(left), simplified(right))
        case Binary(operator="+", left=left, right=right):
            return calculus.plus(simplified(left), simplified(right))
        case Binary(operator="-", left=left, right=right):
            return calculus.plus(simplified(left), calculus.negative(simplified(right)))
        case Call(function="sqrt", arguments=(inner,)) if calculus.is_number(inner, 1):
            return inner
        case Call(function="sqrt", arguments=(Binary(operator="/", left=Number(value=1)) as one,)):
            root = replace(expression, arguments=(one.right,))
            return calculus.over(one.left, root)
        case Call(arguments=arguments):
            return replace(expression, arguments=tuple(map(simplified, arguments)))
    return expression
