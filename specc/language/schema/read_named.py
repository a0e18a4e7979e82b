"""Reading of names with options: `adam`, or `{adam: {lr: 0.001}}`."""

from __future__ import annotations

from collections.abc import Mapping as TypingMapping
from typing import Any

from pydantic import BaseModel

from specc.catalog.metric import Named
from specc.catalog.other_names import suggested_name
from specc.language.located import Located, Mapping
from specc.language.schema.places import where
from specc.language.schema.reading import Reading
from specc.language.schema.single import read_single
from specc.language.schema.spec import Path
from specc.language.schema.validation import read_model, report_problem


def read_named(
    reading: Reading,
    value: Located,
    path: Path,
    expected: str,
    known: TypingMapping[str, type[BaseModel]],
) -> tuple[str, dict[str, Any]] | None:
    """The name and all of its options; `adam` has the same value as `{adam: {lr: 0.001}}`."""
    named = read_single(reading, value, path, expected)
    if named is None:
        return None
    word, inside = named
    if word.text not in known:
        guess = suggested_name(word.text, known)
        owners = [name for name, model in known.items() if word.text in model.model_fields]
        listed = ", ".join(f"`{name}`" for name in owners or known)
        hint = f"it is an option of {listed}: write its name before it" if owners else ""
        guess = None if owners else guess
        hint = hint or ("" if guess else f"there are {listed}")
        return reading.report(
            "E0113", word.span, suggestion=guess, where=where(path), value=word.text, hint=hint
        )
    place = (*path, word.text)
    keys = Mapping((), word.span) if inside is None else reading.mapping(inside, place)
    if keys is None:
        return None
    read = read_model(reading, known[word.text], keys, place, report_problem)
    return None if read is None else (word.text, read.model_dump())


def read_options(
    reading: Reading,
    model: type[BaseModel],
    named: TypingMapping[str, TypingMapping[str, Named]],
    keys: Mapping,
    path: Path,
) -> dict[str, Any] | None:
    """All options of a catalog entry; kernels and features are `{name: options}`."""
    before = reading.errors()
    found: dict[str, Any] = {}
    for option, known in named.items():
        forms = {name: known[name].Options for name in known}
        value = keys.get(option)
        if value is None:
            default = model.model_fields[option].default
            found[option] = {default: forms[default]().model_dump()}
            continue
        chosen = read_named(reading, value, (*path, option), f"the name of a {option}", forms)
        if chosen is not None:
            found[option] = {chosen[0]: chosen[1]}
    rest = tuple(e for e in keys.entries if e.name not in named)
    read = read_model(reading, model, Mapping(rest, keys.span), path, report_problem)
    if read is None or reading.errors() > before:
        return None
    return {**read.model_dump(), **found}
