"""The parser of expressions, by operator precedence (Pratt 1973).

The grammar is a subset of that of Python, with the same precedence and associativity:

    + -        left
    * / @      left
    -x
    **         right; its right side may start with a minus
    x[i, j]    one index for each axis, from the first on
    f(x)       only names are applied, only programs have members; `f(x, at=p)` names a program
    f.T(x)     the transpose of a link
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from specc.catalog.registry import FUNCTIONS
from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.language.expressions.mistake import Mistake, python, syntax
from specc.language.expressions.tokens import Token, tokens, value
from specc.language.expressions.tree import (
    Binary,
    BinaryOperator,
    Call,
    Expression,
    Index,
    Member,
    Name,
    Negate,
    Number,
    Sequence,
)
from specc.language.expressions.walk import depth

LIBRARIES = frozenset({"torch", "math", "np", "numpy", "jnp", "F", "tf", "jax"})
"""Names of modules of Python whose functions have the same names in expressions."""

MAX_LENGTH = 10_000
MAX_DEPTH = 100

SUM, PRODUCT, UNARY, POWER = 1, 2, 3, 4
STRENGTH: dict[str, int] = {
    "+": SUM,
    "-": SUM,
    "*": PRODUCT,
    "/": PRODUCT,
    "@": PRODUCT,
    "**": POWER,
}
"""The precedence of each binary operator."""

TRANSPOSED, INVERTED = "T", "inverse"
"""The member of a link that is its transpose."""

_CLOSING = {"(": ")", "[": "]"}


def parse(text: str, place: Callable[[int, int], Span]) -> Expression | Diagnostic:
    """The tree of `text`, or the diagnostic of the first error.

    `place` maps a range of characters of `text` to a span of the source.
    """
    if len(text) > MAX_LENGTH:
        return diagnose("E0127", place(0, len(text)), length=len(text), limit=MAX_LENGTH)
    try:
        tree = _Parser(text, place).run()
    except Mistake as mistake:
        return _diagnostic(text, place, mistake)
    if depth(tree) > MAX_DEPTH:
        return diagnose("E0125", tree.span, limit=MAX_DEPTH)
    return tree


def _diagnostic(text: str, place: Callable[[int, int], Span], mistake: Mistake) -> Diagnostic:
    evidence = dict(mistake.evidence)
    if mistake.code == "E0122":
        evidence["expression"] = _around(text, mistake.start)
    span = place(mistake.start, mistake.end)
    return diagnose(mistake.code, span, labels=(), suggestion=mistake.suggestion, **evidence)


def _around(text: str, start: int, most: int = 60) -> str:
    """The text on one line; for a long text the part around the mistake."""
    left = max(0, min(start - 20, len(text) - most))
    cut = text if len(text) <= most else text[left : left + most]
    before = "..." if cut is not text and left > 0 else ""
    after = "..." if cut is not text and left + most < len(text) else ""
    return before + " ".join(cut.split()) + after


class _Parser:
    """A parser of one expression with one token of lookahead."""

    def __init__(self, text: str, place: Callable[[int, int], Span]) -> None:
        self.text, self.place = text, place
        self.rest = tokens(text)
        self.before = Token("end", "", 0, 0)
        self.depth = 0
        self.open: list[Token] = []
        self.token = self.before

    def run(self) -> Expression:
        self.advance()
        if self.at_end():
            hint = "write a number, a name, or such as `decoder(z)`"
            raise Mistake("E0126", 0, len(self.text), {"hint": hint})
        tree = self.expression(0)
        if not self.at_end():
            raise self.unexpected()
        return tree

    def advance(self) -> Token:
        """Consumes the current token and returns it."""
        self.before = self.token
        self.token = next(self.rest)
        return self.before

    def at_end(self) -> bool:
        return self.token.kind == "end"

    def sees(self, text: str) -> bool:
        return self.token.kind == "operator" and self.token.text == text

    def span(self, start: int) -> Span:
        """The span from `start` to the end of the last consumed token."""
        return self.place(start, self.before.end)

    # operators

    def expression(self, minimum: int) -> Expression:
        """An operand with all following operators of precedence `minimum` or higher."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Mistake("E0125", self.token.start, self.token.end, {"limit": MAX_DEPTH})
        start = self.token.start
        left = self.prefix()
        while (strength := self.strength()) >= max(minimum, SUM):
            operator = cast(BinaryOperator, self.advance().text)
            # A power is right-associative, and its right side can start with a minus.
            right = self.expression(UNARY if strength == POWER else strength + 1)
            left = Binary(operator, left, right, self.span(start))
        self.depth -= 1
        return left

    def strength(self) -> int:
        return STRENGTH.get(self.token.text, 0) if self.token.kind == "operator" else 0

    def prefix(self) -> Expression:
        if not self.sees("-"):
            return self.postfix()
        start = self.advance().start
        return Negate(self.expression(UNARY), self.span(start))

    # operands

    def postfix(self) -> Expression:
        """An operand with the calls, indices and dots that follow it."""
        start = self.token.start
        tree = self.operand()
        while self.token.kind == "operator" and self.token.text in ("(", "[", "."):
            if self.sees("("):
                tree = self.call(tree, start)
            elif self.sees("["):
                tree = self.index(tree, start)
            else:
                tree = self.member(tree, start)
        return tree

    def operand(self) -> Expression:
        token = self.token
        if token.kind == "number":
            self.advance()
            return Number(value(token), self.span(token.start))
        if token.kind == "name":
            self.advance()
            return Name(token.text, self.span(token.start))
        if self.sees("("):
            return self.group()
        if self.sees("["):
            items = self.items()
            return Sequence(items, self.span(token.start))
        raise self.nothing_here()

    def group(self) -> Expression:
        """`(x)`; the brackets are not part of the tree."""
        opening = self.advance()
        self.open.append(opening)
        if self.sees(")"):
            hint = "write an expression there, or delete the brackets"
            raise syntax(
                opening.start, self.token.end, "there is nothing between `(` and `)`", hint
            )
        tree = self.expression(0)
        if self.sees(","):
            hint = "a list is written in square brackets: `[a, b]`"
            raise syntax(self.token.start, self.token.end, "a comma makes no list of `( )`", hint)
        self.close(opening)
        return tree

    def items(self) -> tuple[Expression, ...]:
        """The expressions of a list, separated by commas; a trailing comma is allowed."""
        opening = self.advance()
        found = self.until_closed(opening)
        if opening.text == "[" and not found:
            hint = "write its entries, such as `[0, 1]`"
            raise syntax(opening.start, self.before.end, "a list has no entries", hint)
        return found

    def until_closed(self, opening: Token) -> tuple[Expression, ...]:
        """The expressions up to the bracket that closes `opening`, and that bracket."""
        self.open.append(opening)
        found: list[Expression] = []
        while not self.sees(_CLOSING[opening.text]):
            found.append(self.expression(0))
            if not self.sees(","):
                break
            self.advance()
        self.close(opening)
        return tuple(found)

    def close(self, opening: Token) -> None:
        if not self.sees(_CLOSING[opening.text]):
            raise self.unexpected()
        self.advance()
        self.open.pop()

    def call(self, tree: Expression, start: int) -> Expression:
        opening = self.token
        form = tree.name if isinstance(tree, Member) else ""
        if isinstance(tree, Member) and form in (TRANSPOSED, INVERTED):
            tree = Name(tree.program, self.place(start, start + len(tree.program)))
        if isinstance(tree, Member):
            name = f"{tree.program}.{tree.name}"
            if tree.program in LIBRARIES and tree.name in FUNCTIONS:
                raise python(start, opening.start, f"the function of a module `{name}`", tree.name)
            raise python(start, opening.end, f"the method call `{name}(...)`")
        if not isinstance(tree, Name) or self.before.text == ")":
            shown = self.text[start : self.before.end]
            hint = f"write `{shown} * (...)` for a product"
            problem = "only a link or a function can be applied with `( )`"
            raise syntax(opening.start, opening.end, problem, hint)
        name_span = self.span(start)
        self.advance()
        arguments, at = self.arguments(opening)
        forms = (form == TRANSPOSED, form == INVERTED)
        return Call(tree.id, arguments, name_span, self.span(start), at, *forms)

    def arguments(self, opening: Token) -> tuple[tuple[Expression, ...], Name | None]:
        """The arguments of a call up to its closing bracket, and the program after `at=`."""
        self.open.append(opening)
        found: list[Expression] = []
        at: Name | None = None
        while not self.sees(")") and at is None:
            found.append(self.expression(0))
            if self.sees("=") and isinstance(found[-1], Name):
                at = self.program()
                found.pop()
            if not self.sees(","):
                break
            self.advance()
        self.close(opening)
        return tuple(found), at

    def program(self) -> Name:
        """The name of a program after `at=`."""
        equals = self.advance()
        if self.token.kind != "name":
            hint = "write the name of a program, as in `at=model`"
            raise syntax(equals.start, equals.end, "a program is missing after `at=`", hint)
        token = self.advance()
        return Name(token.text, self.span(token.start))

    def index(self, tree: Expression, start: int) -> Expression:
        opening = self.advance()
        if isinstance(tree, Number):
            hint = "index a node, such as `u[user]`"
            raise syntax(opening.start, opening.end, "a number has no entries", hint)
        indices = self.until_closed(opening)
        if not indices:
            hint = "write which entry, such as `[0]`"
            problem = "there is no index between `[` and `]`"
            raise syntax(opening.start, self.before.end, problem, hint)
        return Index(tree, indices, self.span(start))

    def member(self, tree: Expression, start: int) -> Expression:
        bracketed = self.before.text == ")"
        dot = self.advance()
        if self.token.kind != "name":
            hint = "write the name of a node, such as `model.x`"
            raise syntax(dot.start, dot.end, "a name is missing after the dot", hint)
        after = self.token
        if isinstance(tree, Member):
            hint = f"write `{after.text}`, or `program.node` for a node"
            problem = "a second dot follows; `program.node` has one"
            raise syntax(start, after.end, problem, hint)
        if not isinstance(tree, Name) or bracketed:
            raise python(dot.start, after.end, f"the attribute `.{after.text}`")
        self.advance()
        return Member(tree.id, after.text, self.span(start))

    # mistakes

    def nothing_here(self) -> Mistake:
        """The mistake of a missing operand."""
        token, before = self.token, self.before
        if token.kind == "end" and self.open and before.text in ("(", "[", ","):
            return self.never_closed()
        if token.kind == "end":
            problem = f"nothing follows `{before.text}`"
            return syntax(before.start, before.end, problem, "write what it applies to")
        if token.text == "+" and (before.end == 0 or before.text not in (")", "]")):
            return syntax(token.start, token.end, "`+` has nothing before it", "delete the `+`")
        if token.text in (")", "]") and before.text in STRENGTH:
            problem = f"nothing follows `{before.text}`"
            return syntax(before.start, before.end, problem, "write what it applies to")
        if token.text in (")", "]"):
            return self.unexpected()
        left = f" after `{before.text}`" if before.end else " at the start"
        problem = f"a value is expected{left}, not `{token.text}`"
        return syntax(token.start, token.end, problem, "write a name or a number there")

    def unexpected(self) -> Mistake:
        """The mistake of a token after a complete expression."""
        token, before = self.token, self.before
        if token.kind == "end":
            return self.never_closed()
        if token.text in (")", "]"):
            return self.wrong_bracket()
        if token.text == ",":
            problem = "a comma separates arguments, and here is no call or list"
            return syntax(token.start, token.end, problem, "for a list write `[a, b]`")
        problem = f"`{token.text}` follows `{before.text}` without an operator"
        hint = "write `*` for a product"
        if token.text.startswith("."):
            hint = f"for an entry write `{before.text}[{token.text[1:]}]`"
        elif self.open:
            hint += ", or a comma between arguments"
        return syntax(token.start, token.end, problem, hint)

    def wrong_bracket(self) -> Mistake:
        token = self.token
        if not self.open:
            problem = f"this `{token.text}` has no opening bracket"
            return syntax(token.start, token.end, problem, "delete it")
        opening = self.open[-1].text
        problem = f"`{opening}` is closed by `{token.text}`"
        hint = f"write `{_CLOSING[opening]}`"
        return syntax(token.start, token.end, problem, hint, _CLOSING[opening])

    def never_closed(self) -> Mistake:
        opening = self.open[-1]
        evidence: dict[str, object] = {
            "opening": opening.text,
            "closing": _CLOSING[opening.text],
        }
        return Mistake("E0123", opening.start, opening.end, evidence)
