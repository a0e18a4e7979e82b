"""Guides that the compiler derives: their requests in a spec, and the nodes that take their place.

guide: auto                                   everything that no node of the guide draws
guide: {auto: mean_field, z: {latent: ...}}   the same, by a kind with options
guide: {w: {auto: delta}}                     one latent
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as TypingMapping
from dataclasses import dataclass, field
from typing import Any

from specc.catalog.other_names import suggested_name
from specc.catalog.registry import GUIDES
from specc.diagnostics.source import LongForm, Span
from specc.language.located import Entry, Located, Mapping, Scalar
from specc.language.schema.prior import Prior
from specc.language.schema.reading import Reading
from specc.language.schema.single import read_single
from specc.language.schema.spec import Path
from specc.language.schema.validation import read_model, report_problem
from specc.language.text import read

GUIDE, AUTO = "guide", "auto"

KIND = "the name of a kind of guide, such as `mean_field`"


@dataclass(frozen=True, slots=True)
class Auto:
    """A request for a guide of the latent `name`, or of all that have none if that is empty.

    `kind` is empty if the spec leaves it to the compiler.
    """

    name: str
    kind: str
    options: TypingMapping[str, Any] = field(compare=False)
    span: Span


Derive = Callable[[Reading, Mapping, tuple[Auto, ...], tuple[Prior, ...]], tuple[Mapping, str]]
"""A function that returns the tree with nodes for requests and priors of links, and their text."""


def without_guides(
    reading: Reading, root: Mapping, autos: tuple[Auto, ...], priors: tuple[Prior, ...]
) -> tuple[Mapping, str]:
    """The tree without the nodes that requests ask for, which count as unread."""
    del priors
    reading.unread += [(GUIDE, auto.name) if auto.name else (GUIDE,) for auto in autos]
    return root, ""


def take_autos(reading: Reading, root: Mapping) -> tuple[Mapping, tuple[Auto, ...]]:
    """The tree without requests for guides, and the requests; reports invalid ones."""
    written = root.get(GUIDE)
    if isinstance(written, Scalar) and written.value == AUTO:
        return _replaced(root, None), (Auto("", "", {}, written.span),)
    if not isinstance(written, Mapping):
        return root, ()
    found = {entry.name: _request(entry) for entry in written.entries}
    autos = [
        _auto(reading, entry, value)
        for entry in written.entries
        if (value := found[entry.name]) is not None
    ]
    left = tuple(entry for entry in written.entries if found[entry.name] is None)
    kept = Mapping(left, written.span) if left or not autos else None
    return _replaced(root, kept), tuple(auto for auto in autos if auto is not None)


def _request(entry: Entry) -> Located | None:
    """The value that states the kind, if an entry of the guide is a request."""
    if entry.name == AUTO:
        return entry.value
    if isinstance(entry.value, Scalar) and entry.value.value == AUTO:
        return entry.value
    return entry.value.get(AUTO) if isinstance(entry.value, Mapping) else None


def _auto(reading: Reading, entry: Entry, value: Located) -> Auto | None:
    name = "" if entry.name == AUTO else entry.name
    path: Path = (GUIDE, AUTO) if not name else (GUIDE, name, AUTO)
    if name and isinstance(entry.value, Mapping):
        for other in entry.value.entries:
            if other.name != AUTO:
                reading.unread.append((GUIDE, name))
                return reading.unknown_key(other.key, path[:-1], (AUTO,))
    if isinstance(value, Scalar) and value.value == AUTO and name:
        return Auto(name, "", {}, entry.key.span)
    kind = _kind(reading, value, path)
    if kind is None:
        reading.unread.append((GUIDE, name) if name else (GUIDE,))
        return None
    return Auto(name, *kind, entry.key.span)


def _kind(reading: Reading, value: Located, path: Path) -> tuple[str, dict[str, Any]] | None:
    """The name of a kind, and its options."""
    named = read_single(reading, value, path, KIND)
    if named is None:
        return None
    word, inside = named
    if word.text not in GUIDES:
        guess = suggested_name(word.text, GUIDES)
        hint = "" if guess else "there are " + ", ".join(f"`{name}`" for name in GUIDES)
        return reading.report("E0490", word.span, suggestion=guess, name=word.text, hint=hint)
    place = (*path, word.text)
    keys = Mapping((), word.span) if inside is None else reading.mapping(inside, place)
    if keys is None:
        return None
    options = read_model(reading, GUIDES[word.text].Options, keys, place, report_problem)
    return None if options is None else (word.text, options.model_dump())


def _replaced(root: Mapping, guide: Mapping | None) -> Mapping:
    """The tree with another guide, or without one."""
    entries = (Entry(e.key, guide) if e.name == GUIDE and guide else e for e in root.entries)
    return Mapping(tuple(e for e in entries if guide or e.name != GUIDE), root.span)


def merged(root: Mapping, text: str, span: Span) -> Mapping:
    """The tree with the nodes and links of a long form, whose positions are `span`."""
    source = LongForm(span.source.path, text, span, {})
    tree, findings = read(source)
    assert isinstance(tree, Mapping) and not findings, "a derived guide is no YAML"
    return _joined(root, tree)


def _joined(first: Mapping, second: Mapping) -> Mapping:
    """The entries of two mappings; mappings under one key are joined, too."""
    entries = []
    for entry in first.entries:
        more = second.get(entry.name)
        if isinstance(more, Mapping) and isinstance(entry.value, Mapping):
            entry = Entry(entry.key, _joined(entry.value, more))
        entries.append(entry)
    known = {entry.name for entry in entries}
    entries += [entry for entry in second.entries if entry.name not in known]
    return Mapping(tuple(entries), first.span)
