"""The pages of the reference, and the search for a name."""

from __future__ import annotations

from collections.abc import Iterator

from specc.catalog.other_names import suggested_name
from specc.catalog.registry import DISTRIBUTIONS, MODIFIERS
from specc.reference.entry import Entry, Page
from specc.reference.kinds import (
    bijections,
    distributions,
    draws,
    functions,
    guides,
    links,
    metrics,
    modifiers,
    objectives,
    samplers,
    sources,
    spec,
    training,
)

KINDS = (
    spec,
    distributions,
    modifiers,
    functions,
    links,
    bijections,
    draws,
    objectives,
    guides,
    samplers,
    sources,
    training,
    metrics,
)


def pages() -> tuple[Page, ...]:
    """Return every page, in the order of the index."""
    return tuple(kind.page() for kind in KINDS)


def named() -> Iterator[Entry]:
    """Yield every entry with a name; keys of a spec are named by their paths."""
    for kind in KINDS:
        yield from spec.keys() if kind is spec else kind.page().entries


def find(word: str) -> tuple[Entry, ...]:
    """Return the entries of a name of the catalog, or of keys by their path or last part.

    A path may contain names of a spec: `model.z.plate` finds `model.NODE.plate`, and so does
    `model.plate`. `ordered(normal)` finds the modifier and the distribution. The result is empty if
    there is no entry.
    """
    outer, inner = DISTRIBUTIONS.parts(word)
    if inner is not None:
        return (*find(outer), *find(inner)) if word in DISTRIBUTIONS else ()
    every = tuple(named())
    sought = tuple(word.split("."))
    exact = [e for e in every if e.name == word or (e.kind == "key" and _leads(e.name, sought))]
    if exact:
        return tuple(exact)
    last = [e for e in every if e.kind == "key" and e.name.rpartition(".")[2] == word]
    return () if word.isupper() else tuple(last)


def _leads(path: str, sought: tuple[str, ...]) -> bool:
    """Whether a path with placeholders in capitals matches the path that is sought."""
    steps = path.split(".")
    if steps[-1].isupper():
        return False
    if tuple(step for step in steps if not step.isupper()) == sought:
        return True
    pairs = zip(steps, sought, strict=False)
    return len(steps) == len(sought) and all(s == step or s.isupper() for s, step in pairs)


def guess(word: str) -> str | None:
    """Return the probable name: the equivalent of a name of another library, or a similar one."""
    outer, inner = DISTRIBUTIONS.parts(word)
    if inner is not None:
        modifier = outer if outer in MODIFIERS else suggested_name(outer, MODIFIERS)
        meant = f"{modifier}({inner if inner in DISTRIBUTIONS else _base(inner)})"
        return meant if meant in DISTRIBUTIONS else None
    names = {entry.name for entry in named()}
    return suggested_name(word, sorted(names | {name.rpartition(".")[2] for name in names}))


def _base(word: str) -> str | None:
    """The distribution that a modifier probably modifies."""
    return guess(word) if "(" in word else suggested_name(word, DISTRIBUTIONS)
