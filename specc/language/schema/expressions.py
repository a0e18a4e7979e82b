"""The parsing of values that are expressions: numbers, lists and texts."""

from __future__ import annotations

from specc.diagnostics.diagnostic import Diagnostic
from specc.language.expressions import tree
from specc.language.expressions.parse import parse
from specc.language.located import Located, Mapping, Scalar, Sequence
from specc.language.schema.reading import Reading
from specc.language.schema.spec import Path

EXPRESSION = "a number, a list or an expression"


def read_expression(reading: Reading, value: Located, path: Path) -> tree.Expression | None:
    """The syntax tree of a value, or None if it is not an expression."""
    if isinstance(value, Mapping):
        return reading.wrong_kind(value, path, EXPRESSION)
    if isinstance(value, Sequence):
        return _list(reading, value, path)
    if isinstance(value.value, bool):
        return reading.wrong_kind(value, path, EXPRESSION, "write 1 or 0")
    if isinstance(value.value, (int, float)):
        return tree.Number(value.value, value.span) if reading.is_finite(value, path) else None
    if value.value is None:
        return reading.empty(value, path, "write a number, a node, or such as `decoder(z)`")
    return _text(reading, value)


def _list(reading: Reading, value: Sequence, path: Path) -> tree.Expression | None:
    if not value.items:
        return reading.empty(value, path, "write the entries of the list, such as `[0, 1]`")
    items = [read_expression(reading, item, (*path, i)) for i, item in enumerate(value.items)]
    known = tuple(item for item in items if item is not None)
    return tree.Sequence(known, value.span) if len(known) == len(items) else None


def _text(reading: Reading, value: Scalar) -> tree.Expression | None:
    parsed = parse(value.text, value.at)
    if isinstance(parsed, Diagnostic):
        reading.add(parsed)
        return None
    is_number = isinstance(parsed, (tree.Number, tree.Negate)) and not _has_names(parsed)
    if is_number and value.style in ("single", "double"):
        reading.report("W0131", value.span, value=value.text)
    return parsed


def _has_names(parsed: tree.Number | tree.Negate) -> bool:
    return isinstance(parsed, tree.Negate) and not isinstance(parsed.operand, tree.Number)
