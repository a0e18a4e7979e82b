"""Priors of links, `prior: {normal: {loc: 0, scale: 1}}`: the weights of a link are latents."""

from __future__ import annotations

from collections.abc import Mapping as TypingMapping
from dataclasses import dataclass, field

from specc.catalog.other_names import suggested_name
from specc.catalog.registry import DISTRIBUTIONS
from specc.diagnostics.source import LongForm, Span
from specc.language.located import Entry, Located, Mapping, Scalar
from specc.language.schema.reading import Reading
from specc.language.schema.single import read_single
from specc.language.schema.spec import Path
from specc.language.text import read

LINKS, PRIOR = "links", "prior"
FAN_IN = "fan_in"
"""The value of a parameter that stands for 1 / sqrt(inputs of the layer); of a bias for 1."""


@dataclass(frozen=True, slots=True)
class Prior:
    """The distribution of each weight of a link, with the texts of its parameters."""

    link: str
    distribution: str
    arguments: TypingMapping[str, str] = field(compare=False)
    span: Span


def take_priors(reading: Reading, root: Mapping) -> tuple[Mapping, tuple[Prior, ...]]:
    """The tree with links without priors, and the priors; reports invalid ones."""
    links = root.get(LINKS)
    if not isinstance(links, Mapping):
        return root, ()
    priors, entries = [], []
    for entry in links.entries:
        written = entry.value.get(PRIOR) if isinstance(entry.value, Mapping) else None
        if written is None or not isinstance(entry.value, Mapping):
            entries.append(entry)
            continue
        left = tuple(each for each in entry.value.entries if each.name != PRIOR)
        entries.append(Entry(entry.key, Mapping(left, entry.value.span)))
        found = _prior(reading, entry.name, written)
        priors += [] if found is None else [found]
    return with_value(root, (LINKS,), Mapping(tuple(entries), links.span)), tuple(priors)


def _prior(reading: Reading, link: str, written: Located) -> Prior | None:
    path: Path = (LINKS, link, PRIOR)
    named = read_single(reading, written, path, "a distribution with its parameters")
    if named is None:
        return None
    word, inside = named
    if word.text not in DISTRIBUTIONS:
        guess = suggested_name(word.text, DISTRIBUTIONS)
        hint = "" if guess else "write such as `{normal: {loc: 0, scale: 1}}`"
        return reading.report("E0202", word.span, suggestion=guess, name=word.text, hint=hint)
    keys = Mapping((), word.span) if inside is None else reading.mapping(inside, path)
    if keys is None:
        return None
    texts = {e.name: e.value.text for e in keys.entries if isinstance(e.value, Scalar)}
    return Prior(link, word.text, texts, word.span)


def with_value(root: Mapping, path: tuple[str, ...], value: Located | None) -> Mapping:
    """The tree with another value at a path, or without it; the last key may be a new one."""
    first, *rest = path
    found = root.get(first)
    if rest:
        assert isinstance(found, Mapping)
        value = with_value(found, tuple(rest), value)
    elif found is None and value is not None:
        key = Scalar(first, value.span, "plain", "str")
        return Mapping((*root.entries, Entry(key, value)), root.span)
    entries = ((e, value if e.name == first else e.value) for e in root.entries)
    kept = (Entry(entry.key, new) for entry, new in entries if new is not None)
    return Mapping(tuple(kept), root.span)


def scalar(text: str, span: Span) -> Located:
    """An expression as a value of a tree, with the position `span`."""
    tree, findings = read(LongForm(span.source.path, f'value: "{text}"\n', span, {}))
    assert isinstance(tree, Mapping) and not findings
    return tree.entries[0].value
