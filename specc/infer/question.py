"""The syntax of queries: `P(a, b | c=1, d=0)`, `P(a=1 | c=1)`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Source, Span
from specc.infer.refusal import Refusal

_PIECE = re.compile(r"\s*(?:([A-Za-z_]\w*)|(\d{1,18})|([(),|=])|(\S))")


@dataclass(frozen=True, slots=True)
class Term:
    """A variable of a query, with its value if the query states one."""

    name: str
    value: int | None
    span: Span


@dataclass(frozen=True, slots=True)
class Question:
    """The queried variables, and the evidence."""

    queried: tuple[Term, ...]
    known: tuple[Term, ...]
    span: Span


def read_question(text: str) -> Question:
    """Parse a query; raises Refusal E1001 for a wrong syntax, E1004 for a repeated name."""
    return _Reader(Source("question", text)).question()


class _Reader:
    """A parser of the tokens of a query, with one token of lookahead."""

    def __init__(self, source: Source) -> None:
        self.source, self.rest = source, _pieces(source.text)
        self.text, self.start, self.end = "", 0, 0
        self.advance()

    def question(self) -> Question:
        if self.text not in ("P", "p"):
            raise self.wrong("it starts with `P(`")
        self.advance()
        self.expect("(")
        queried = self.terms(False)
        known: tuple[Term, ...] = ()
        if self.text == "|":
            self.advance()
            known = self.terms(True)
        self.expect(")")
        if self.text:
            raise self.wrong(f"it ends at the bracket, and `{self.text}` follows")
        self.once((*queried, *known))
        return Question(queried, known, Span(self.source, 0, len(self.source.text)))

    def terms(self, valued: bool) -> tuple[Term, ...]:
        """Parse terms separated by commas; with `valued` each must have a value."""
        found = [self.term(valued)]
        while self.text == ",":
            self.advance()
            found.append(self.term(valued))
        return tuple(found)

    def term(self, valued: bool) -> Term:
        name, start, end, value = self.text, self.start, self.end, None
        if not name.isidentifier():
            raise self.wrong("the name of a node is expected here")
        self.advance()
        if self.text == "=":
            self.advance()
            if not self.text.isdecimal():
                raise self.wrong(f"a class number is expected after `{name}=`")
            value, end = int(self.text), self.end
            self.advance()
        elif valued:
            raise self.wrong(f"each node of the evidence needs a value, such as `{name}=0`")
        return Term(name, value, Span(self.source, start, end))

    def once(self, terms: tuple[Term, ...]) -> None:
        seen: set[str] = set()
        for term in terms:
            if term.name in seen:
                raise Refusal(diagnose("E1004", term.span, name=term.name))
            seen.add(term.name)

    def expect(self, expected: str) -> None:
        if self.text != expected:
            raise self.wrong(f"`{expected}` is expected here")
        self.advance()

    def advance(self) -> None:
        self.text, self.start, self.end = next(self.rest)

    def wrong(self, problem: str) -> Refusal:
        span = Span(self.source, self.start, self.end)
        return Refusal(diagnose("E1001", span, problem=problem))


def _pieces(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the tokens with their positions, followed by empty tokens."""
    for found in _PIECE.finditer(text):
        piece = found[0].strip()
        yield piece, found.end() - len(piece), found.end()
    while True:
        yield "", len(text), len(text)
