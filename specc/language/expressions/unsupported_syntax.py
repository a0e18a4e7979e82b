"""Syntax of Python and similar languages that expressions do not support, with likely fixes."""

from __future__ import annotations

import unicodedata

from specc.language.expressions.mistake import Mistake, character

OPERATORS: dict[str, str] = {
    "//": "the floor division `//`",
    "%": "the remainder `%`",
    "<<": "the shift `<<`",
    ">>": "the shift `>>`",
    "<=": "the comparison `<=`",
    ">=": "the comparison `>=`",
    "==": "the comparison `==`",
    "!=": "the comparison `!=`",
    "<>": "the comparison `<>`",
    "<": "the comparison `<`",
    ">": "the comparison `>`",
    ":=": "the assignment `:=`",
    "+=": "the assignment `+=`",
    "-=": "the assignment `-=`",
    "*=": "the assignment `*=`",
    "/=": "the assignment `/=`",
    "->": "the arrow `->`",
    "=": "the sign `=` (an assignment or a named argument)",
    "...": "the ellipsis `...`",
    ":": "the sign `:` (a slice or a dictionary)",
    "&": "the operator `&`",
    "|": "the operator `|`",
    "~": "the operator `~`",
    "{": "a set or dictionary in `{ }`",
}
"""Unsupported operators, with their names in messages."""

WORDS: dict[str, str] = {
    "and": "the logical operator `and`",
    "or": "the logical operator `or`",
    "not": "the logical operator `not`",
    "is": "the comparison `is`",
    "in": "the comparison `in`",
    "if": "the condition `if`",
    "else": "the condition `else`",
    "for": "the loop `for`",
    "lambda": "a function written with `lambda`",
    "None": "the value `None`",
    "True": "the value `True`",
    "False": "the value `False`",
}
"""Keywords of Python with a description for messages."""

_LOOKALIKES: dict[str, str] = {
    "^": "**",
    "−": "-",
    "–": "-",
    "—": "-",
    "×": "*",
    "·": "*",
    "∙": "*",
    "⋅": "*",
    "∗": "*",
    "÷": "/",
    "∕": "/",
    "²": "**2",
    "³": "**3",
}
"""Typographic characters with the plain character that replaces each."""

_HINTS: dict[str, str] = {
    "\u00a0": "write a plain space",
    ";": "a value holds one expression; separate arguments by commas",
    "#": "write a comment outside the quotes, after a space",
    "$": "write the bare name",
    "!": "delete it",
    "?": "delete it",
    "\\": "delete it",
    "}": "delete it",
    "`": "write the bare name",
    "√": "write `sqrt(...)`",
    "∑": "write `sum(...)`",
    "∏": "write `prod(...)`",
}

_CONFUSED: dict[str, str] = {
    # Cyrillic
    "\u0430": "a",
    "\u0441": "c",
    "\u0435": "e",
    "\u043e": "o",
    "\u0440": "p",
    "\u0445": "x",
    "\u0443": "y",
    "\u0456": "i",
    "\u0458": "j",
    "\u0455": "s",
    # Greek
    "\u03bf": "o",
    "\u03b9": "i",
    "\u03bd": "v",
    "\u0391": "A",
    "\u0392": "B",
    "\u0395": "E",
    "\u0396": "Z",
    "\u0397": "H",
    "\u0399": "I",
    "\u039a": "K",
    "\u039c": "M",
    "\u039d": "N",
    "\u039f": "O",
    "\u03a1": "P",
    "\u03a4": "T",
    "\u03a7": "X",
}
"""Letters of other alphabets that look like Latin letters."""


def unsupported_character(text: str, at: int) -> Mistake:
    """The mistake of the character at `at`, with the likely fix."""
    found = text[at]
    if found in _LOOKALIKES:
        meant = _LOOKALIKES[found]
        hint = "for a power write `**`" if found == "^" else f"write `{meant}`"
        return character(at, at + 1, _shown(found), hint, meant)
    if found in _HINTS:
        return character(at, at + 1, _shown(found), _HINTS[found])
    latin = _latin(found)
    if latin is not None:
        return character(at, at + 1, _shown(found), f"write the plain `{latin}`", latin)
    hint = "names are made of the letters a to z, digits and _" if found.isalpha() else "delete it"
    return character(at, at + 1, _shown(found), hint)


def _latin(found: str) -> str | None:
    """The Latin character that a character looks like, or None."""
    meant = _CONFUSED.get(found) or unicodedata.normalize("NFKC", found)
    return meant if meant != found and len(meant) == 1 and meant.isascii() else None


def _shown(found: str) -> str:
    """The character in messages; with its Unicode name if it is not ASCII."""
    if found.isascii() and found.isprintable():
        return found
    name = unicodedata.name(found, "unnamed").lower()
    glyph = f"{found} " if found.isprintable() and not found.isspace() else ""
    return f"{glyph}U+{ord(found):04X} ({name})"
