"""What stops the reading of an expression: a code, the characters concerned, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Mistake(Exception):
    """Raised inside the tokenizer and the parser, and turned into a diagnostic by `parse`."""

    code: str
    start: int
    end: int
    evidence: dict[str, object]
    suggestion: str | None = None


def syntax(start: int, end: int, problem: str, hint: str, suggestion: str | None = None) -> Mistake:
    """E0122: the pieces are right, and their order is not."""
    return Mistake("E0122", start, end, {"problem": problem, "hint": hint}, suggestion)


def python(start: int, end: int, construct: str) -> Mistake:
    """E0124: a piece of Python that an expression of a spec does not have."""
    return Mistake("E0124", start, end, {"construct": construct})


def character(
    start: int, end: int, shown: str, hint: str, suggestion: str | None = None
) -> Mistake:
    """E0121: a character that means nothing in an expression."""
    return Mistake("E0121", start, end, {"character": shown, "hint": hint}, suggestion)
