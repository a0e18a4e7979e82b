"""The error that stops the parsing of an expression: a code, a range of characters, arguments."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Mistake(Exception):
    """Raised by the tokenizer and the parser; `parse` converts it to a diagnostic."""

    code: str
    start: int
    end: int
    evidence: dict[str, object]
    suggestion: str | None = None


def syntax(start: int, end: int, problem: str, hint: str, suggestion: str | None = None) -> Mistake:
    """E0122: the tokens are valid, but not in this order."""
    return Mistake("E0122", start, end, {"problem": problem, "hint": hint}, suggestion)


def python(start: int, end: int, construct: str, suggestion: str | None = None) -> Mistake:
    """E0124: Python syntax that expressions do not support."""
    return Mistake("E0124", start, end, {"construct": construct}, suggestion)


def character(
    start: int, end: int, shown: str, hint: str, suggestion: str | None = None
) -> Mistake:
    """E0121: a character without a meaning in an expression."""
    return Mistake("E0121", start, end, {"character": shown, "hint": hint}, suggestion)
