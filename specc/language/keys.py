"""Diagnostics of single keys of mappings."""

from __future__ import annotations

import re
from collections.abc import Sequence

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.language.characters import character_name
from specc.language.flow import CLOSING
from specc.language.located import Entry, Located, Mapping, Scalar

_ODD_SPACE = re.compile("[\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000]")
_GLUED = re.compile(r"([A-Za-z_]\w*)\s*:(\S.*)")
_TWO_WORDS = re.compile(r"([A-Za-z_]\w*) (\S+)")


def problem(key: Located, text: str, is_flow: bool) -> Diagnostic | None:
    """The diagnostic of an invalid key, or None."""
    if not isinstance(key, Scalar):
        return _compound(key)
    if key.tag_kind != "str":
        return _not_a_word(key, text)
    if key.style != "plain":
        return None
    if key.value == "<<":
        return diagnose("E0008", key.span)
    odd = _ODD_SPACE.search(key.text)
    if odd:
        span = key.at(odd.start(), odd.end())
        return diagnose("E0034", span, character=character_name(odd[0]))
    return None if is_flow else _no_colon(key, text)


def _compound(key: Located) -> Diagnostic:
    if isinstance(key, Mapping):
        found, fix = "a mapping in { }", "write { } once around a mapping, or quote the text"
    else:
        found, fix = "a list in [ ]", "write a name before the colon"
    return diagnose("E0013", key.span, found=found, fix=fix)


def _not_a_word(key: Scalar, text: str) -> Diagnostic:
    if key.span.start == key.span.end:
        span = Span(key.span.source, key.span.start, min(key.span.start + 1, len(text)))
        return diagnose("E0013", span, found="nothing", fix="write a name before the colon")
    kind = "the number " if key.tag_kind in ("int", "float") else ""
    fix = f'if it is meant as a word, quote it: `"{key.text}"`'
    return diagnose("E0013", key.span, found=f"{kind}`{key.text}`", fix=fix)


def _no_colon(key: Scalar, text: str) -> Diagnostic | None:
    """The diagnostic of a missing colon: YAML reads `z {latent: normal}` as the key `z {latent`."""
    cut = re.search(r"\s*[\[{]", key.text)
    if cut is None or key.text.count("{") + key.text.count("[") <= key.text.count(
        "}"
    ) + key.text.count("]"):
        return None
    name, span, bracket = key.text[: cut.start()], key.at(0, cut.start()), cut[0].strip()
    place = key.at(cut.end() - 1, cut.end())
    closing = CLOSING[bracket]
    if closing not in text[place.end :].split("\n", 1)[0]:
        return diagnose("E0018", place, opening=bracket, closing=closing)
    if name.endswith(":"):
        return diagnose("E0039", span, text=name, fix=f"{name} {bracket}...")
    return diagnose("E0021", span, text=name, fix=f"write `{name}: {bracket}...`")


def missing_value(
    key: Scalar, value: Located, before: Sequence[Entry], text: str, is_flow: bool
) -> Diagnostic | None:
    """The diagnostic of a key inside `{ }` without a colon and a value, or None."""
    if not is_flow or not isinstance(value, Scalar) or value.span.start != value.span.end:
        return None
    if ":" in text[key.span.end : value.span.start + 1]:
        return None
    glued = _GLUED.fullmatch(key.text) if key.style == "plain" else None
    if glued:
        return diagnose("E0039", key.span, text=key.text, fix=f"{glued[1]}: {glued[2]}")
    opening = _open_bracket(key) or (_open_bracket(before[-1].value) if before else None)
    if opening is not None:
        return diagnose("E0018", opening, opening="(", closing=")")
    two = _TWO_WORDS.fullmatch(key.text)
    if two:
        return diagnose("E0021", key.span, text=key.text, fix=f"write `{two[1]}: {two[2]}`")
    return diagnose("E0026", key.span, key=key.text)


def _open_bracket(value: Located) -> Span | None:
    """The span of the first `(` of a plain value that is not closed in it, or None."""
    if not isinstance(value, Scalar) or value.style != "plain":
        return None
    places: list[int] = []
    for i, char in enumerate(value.text):
        if char == "(":
            places.append(i)
        elif char == ")" and places:
            places.pop()
    return value.at(places[0], places[0] + 1) if places else None
