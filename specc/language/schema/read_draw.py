"""Reading of `draw:` and `missing:` of a node: a name, or a name with its options."""

from __future__ import annotations

from specc.catalog.objective import Draw as Entry
from specc.catalog.other_names import suggested_name
from specc.catalog.registry import CHAINS, DRAWS
from specc.diagnostics.nearest import nearest
from specc.language.located import Entry as Key
from specc.language.located import Located, Mapping, Scalar
from specc.language.schema import later
from specc.language.schema.node import Draw
from specc.language.schema.places import where
from specc.language.schema.reading import Reading
from specc.language.schema.single import read_single
from specc.language.schema.spec import Path
from specc.language.schema.validation import read_model, report_problem

DRAW = "the name of a draw, such as `score`"


def read_draw(reading: Reading, value: Located, path: Path) -> Draw | None:
    """The draw of `score`, `{score: {baseline: mean}}`, or its short form `{score: mean}`.

    A chain has its options under its name, as in `{mala: {step_size: 0.1}}`.
    """
    named = read_single(reading, value, path, DRAW)
    if named is None:
        return None
    word, inside = named
    if word.text in later.DRAWS:
        return later.not_yet(reading, word.span, word.text, later.DRAWS[word.text])
    if word.text in CHAINS:
        return _chain(reading, word, inside, (*path, word.text))
    if word.text not in DRAWS:
        known = (*DRAWS, *CHAINS)
        guess = suggested_name(word.text, known)
        hint = "" if guess else "the draws are " + ", ".join(f"`{n}`" for n in known)
        return reading.report("E0407", word.span, suggestion=guess, name=word.text, hint=hint)
    if inside is None:
        return Draw(kind=word.text)
    return _with_option(reading, DRAWS[word.text], inside, (*path, word.text))


def _chain(reading: Reading, word: Scalar, inside: Located | None, path: Path) -> Draw | None:
    keys = Mapping((), word.span) if inside is None else reading.mapping(inside, path)
    if keys is None:
        return None
    read = read_model(reading, CHAINS[word.text].Options, keys, path, report_problem)
    return None if read is None else Draw(kind=word.text, options=read.model_dump())


def _with_option(reading: Reading, entry: Entry, inside: Located, path: Path) -> Draw | None:
    if not isinstance(inside, Mapping):
        if not entry.option:
            return reading.wrong_kind(inside, path, "left empty: it has no options")
        return _value(reading, entry, inside, path)
    options: dict[str, str | int | float | None] = {}
    for key in inside.entries:
        place = (*path, key.name)
        if key.name == entry.option:
            word = _value(reading, entry, key.value, place)
            if word is None:
                return None
            options |= word.options
        elif key.name in entry.numbers:
            found = _positive(reading, key, place)
            if found is None:
                return None
            options[key.name] = found
        elif key.name == entry.value:
            name = reading.word(key.value, place, "the name of a node")
            if name is None:
                return None
            options[key.name] = name
        else:
            return _unknown(reading, entry, key)
    return Draw(kind=entry.name, options=options)


def _positive(reading: Reading, key: Key, path: Path) -> float | None:
    """The value of an option that is a positive number."""
    found = reading.number(key.value, path)
    if found is not None and found <= 0:
        return reading.report(
            "E0113", key.value.span, where=where(path), value=f"{found:g}", hint="it is above 0"
        )
    return found


def _unknown(reading: Reading, entry: Entry, key: Key) -> None:
    known = [name for name in (entry.option, *entry.numbers, entry.value) if name]
    shown = " and ".join(f"`{name}`" for name in known)
    hint = f"its option{'s are' if len(known) > 1 else ' is'} {shown}" if known else "it has none"
    guess = nearest(key.name, known)
    reading.report(
        "E0418", key.key.span, suggestion=guess, draw=entry.name, name=key.name, hint=hint
    )


def _value(reading: Reading, entry: Entry, value: Located, path: Path) -> Draw | None:
    known = " or ".join(f"`{option}`" for option in entry.options)
    word = reading.word(value, path, known)
    if word is None:
        return None
    assert isinstance(value, Scalar)
    if word not in entry.options:
        guess = nearest(word, entry.options)
        hint = "" if guess else f"it is {known}"
        return reading.report(
            "E0113", value.span, suggestion=guess, where=where(path), value=word, hint=hint
        )
    return Draw(kind=entry.name, options={entry.option: word})
