"""The pages of the reference, and the entry of a name."""

from __future__ import annotations

from collections.abc import Iterator

from specc.catalog.other_names import meant
from specc.reference.entry import Entry, Page
from specc.reference.kinds import (
    bijections,
    distributions,
    draws,
    functions,
    links,
    metrics,
    objectives,
    sources,
    spec,
    training,
)

KINDS = (
    spec,
    distributions,
    functions,
    links,
    bijections,
    draws,
    objectives,
    sources,
    training,
    metrics,
)


def pages() -> tuple[Page, ...]:
    """Every page, in the order of the index."""
    return tuple(kind.page() for kind in KINDS)


def named() -> Iterator[Entry]:
    """Every entry with a name; keys of a spec are named by their paths."""
    for kind in KINDS:
        yield from spec.keys() if kind is spec else kind.page().entries


def find(word: str) -> tuple[Entry, ...]:
    """The entries of a name: of the catalog, or keys whose path is or ends with it.

    A path may have names of a spec in it: `model.z.plate` is `model.NODE.plate`, and so is
    `model.plate`. Empty where there is none.
    """
    every = tuple(named())
    sought = tuple(word.split("."))
    exact = [e for e in every if e.name == word or (e.kind == "key" and _leads(e.name, sought))]
    if exact:
        return tuple(exact)
    last = [e for e in every if e.kind == "key" and e.name.rpartition(".")[2] == word]
    return () if word.isupper() else tuple(last)


def _leads(path: str, sought: tuple[str, ...]) -> bool:
    """Whether a path with names in capitals is the sought one, with them or without."""
    steps = path.split(".")
    if steps[-1].isupper():
        return False
    if tuple(step for step in steps if not step.isupper()) == sought:
        return True
    pairs = zip(steps, sought, strict=False)
    return len(steps) == len(sought) and all(s == step or s.isupper() for s, step in pairs)


def guess(word: str) -> str | None:
    """The name that was meant: one of another library, or one spelt nearly so."""
    names = {entry.name for entry in named()}
    return meant(word, sorted(names | {name.rpartition(".")[2] for name in names}))
