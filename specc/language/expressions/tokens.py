"""The tokens of an expression: numbers, names, operators and brackets."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from specc.language.expressions.mistake import Mistake, python, syntax
from specc.language.expressions.unsupported_syntax import OPERATORS, WORDS, unsupported_character
from specc.language.limits import MAX_INTEGER

Kind = Literal["number", "name", "operator", "end"]

_SPACE = re.compile(r"[ \t\r\n]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DIGITS = r"[0-9](?:_?[0-9])*"
_NUMBER = re.compile(rf"(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?")
_OPERATOR = re.compile(r"\*\*|[-+*/@()\[\],.]")
_KEYWORD = re.compile(r"(?<![A-Za-z0-9_.])at[ \t\r\n]*$")
_FOREIGN = re.compile("|".join(map(re.escape, sorted(OPERATORS, key=len, reverse=True))))
_OTHER_NUMBER = re.compile(r"0[xXoObB][0-9a-fA-F_]+|[0-9][0-9_]*\.?[0-9_]*[jJ]\b")
_QUOTED = re.compile(r"'[^']*'?|\"[^\"]*\"?")
_LONGEST_INTEGER = 40


class Token(Struct, frozen=True):
    """A token with its characters `start <= i < end`."""

    kind: Kind
    text: str
    start: int
    end: int


def tokens(text: str) -> Iterator[Token]:
    """The tokens of `text`, followed by one of kind `end`.

    Raises `Mistake` at the first character that is not part of a token.
    """
    position = _skip(text, 0)
    while position < len(text):
        token = _token(text, position)
        yield token
        position = _skip(text, token.end)
    yield Token("end", "", position, position)


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _token(text: str, at: int) -> Token:
    if found := _NAME.match(text, at):
        return _name(found)
    if text[at] == "=" != text[at + 1 : at + 2] and _KEYWORD.search(text, 0, at):
        return Token("operator", "=", at, at + 1)
    if found := _FOREIGN.match(text, at):
        raise python(at, found.end(), OPERATORS[found[0]])
    if found := _OTHER_NUMBER.match(text, at):
        raise syntax(at, found.end(), f"`{found[0]}` is no number", "write it in decimal digits")
    if found := _NUMBER.match(text, at):
        return Token("number", found[0], at, found.end())
    if found := _OPERATOR.match(text, at):
        return Token("operator", found[0], at, found.end())
    if found := _QUOTED.match(text, at):
        raise python(at, found.end(), "a text in quotes")
    raise unsupported_character(text, at)


def _name(found: re.Match[str]) -> Token:
    word, start, end = found[0], found.start(), found.end()
    if word.startswith("__"):
        raise python(start, end, f"the name `{word}`")
    if keyword.iskeyword(word):
        raise python(start, end, WORDS.get(word, f"the word `{word}`"))
    # A letter beyond ASCII directly after the name is part of it, and is reported.
    if end < len(found.string) and found.string[end].isidentifier():
        raise unsupported_character(found.string, end)
    return Token("name", word, start, end)


def value(token: Token) -> int | float:
    """The value of a number token.

    Raises `Mistake` for a number beyond 64 bits or float64, and for a leading zero, which means
    octal in some languages.
    """
    digits = token.text.replace("_", "")
    if not digits.isdigit():
        found = float(digits)
        if math.isinf(found):
            raise _too_large(token, "1.8e308")
        return found
    if len(digits) > 1 and digits.startswith("0"):
        plain = digits.lstrip("0") or "0"
        hint = f"write `{plain}`"
        problem = f"`{token.text}` starts with a zero"
        raise syntax(token.start, token.end, problem, hint, plain)
    # A long number is refused before the conversion, whose time is quadratic in the length.
    if len(digits) > _LONGEST_INTEGER or int(digits) > MAX_INTEGER:
        raise _too_large(token, "2^63; with a decimal point it may be as large as 1.8e308")
    return int(digits)


def _too_large(token: Token, limit: str) -> Mistake:
    shown = token.text if len(token.text) <= 24 else f"{token.text[:20]}..."
    return Mistake("E0014", token.start, token.end, {"number": shown, "limit": limit})
