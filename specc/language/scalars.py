"""The values of plain scalars by the core schema of YAML 1.2.

`1e-3` and `.5` are numbers, `012` is twelve, `0o14` is twelve in octal; `no`, `on`, `1_000`, `1:30`
and `2024-01-01` are words. See YAML 1.2.2, section 10.3.2.
"""

from __future__ import annotations

import math
import re

from specc.language.limits import MAX_INTEGER
from specc.language.located import TagKind

_WORDS: dict[str, tuple[TagKind, bool | float | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), ("null", None)),
    **dict.fromkeys(("true", "True", "TRUE"), ("bool", True)),
    **dict.fromkeys(("false", "False", "FALSE"), ("bool", False)),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), ("float", math.nan)),
    **{
        sign + word: ("float", float(sign + "inf"))
        for sign in ("", "+", "-")
        for word in (".inf", ".Inf", ".INF")
    },
}
_NUMBER_START = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_OCTAL = re.compile(r"0o[0-7]+", re.ASCII)
WHOLE_NUMBER = re.compile(r"[-+]?[0-9]+|0[ox][0-9a-fA-F]+", re.ASCII)
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_LONGEST_INTEGER = 40


def resolve(text: str) -> tuple[TagKind, str | int | float | bool | None]:
    """The kind and the value of a plain scalar.

    Raises OverflowError for an integer beyond 64 bits, or a fraction beyond float64.
    """
    word = _WORDS.get(text)
    if word is not None:
        return word
    if text[0] not in _NUMBER_START:
        return "str", text
    for pattern, base in ((_INTEGER, 10), (_OCTAL, 8), (_HEXADECIMAL, 16)):
        if pattern.fullmatch(text):
            return "int", _integer(text, base)
    if _FLOAT.fullmatch(text):
        return "float", _float(text)
    return "str", text


def _integer(text: str, base: int) -> int:
    digits = text if base == 10 else text[2:]
    sign = digits[0] if digits[0] in "+-" else ""
    digits = digits.lstrip("+-").lstrip("0") or "0"
    # A long number is refused before the conversion, whose time is quadratic in the length.
    value = MAX_INTEGER + 1 if len(digits) > _LONGEST_INTEGER else int(digits, base)
    if value > MAX_INTEGER:
        raise OverflowError(text)
    return -value if sign == "-" else value


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise OverflowError(text)
    return value
