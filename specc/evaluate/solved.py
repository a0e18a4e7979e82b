"""Figures and draws only of equations that were solved: fixed points and roots of bijections."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from specc.runtime.failure import RunFailure
from specc.runtime.places import Found, find, located
from specc.runtime.unsolved import listening


@contextmanager
def solved(folder: Path) -> Iterator[None]:
    """Runs code of `folder`, as `located` does, and refuses what it made without a solution.

    Raises RunFailure: E0820, with the first node that had none, where it is in the spec, and how
    often a solution was not found; E0809 for other exceptions.
    """
    first: list[tuple[str, Found | None]] = []
    counts: list[int] = []

    def tell(what: str, count: int) -> None:
        counts.append(count)
        if not first:
            first.append((what, find(traceback.extract_stack(), folder)))

    with located(folder), listening(tell):
        yield
    if first:
        raise _failure(*first[0], sum(counts))


def _failure(what: str, found: Found | None, count: int) -> RunFailure:
    place = found.place if found else None
    line = f" ({found.line})" if found else ""
    where = f"node `{place.node}`{line}" if place else f"the generated code{line}"
    times = "once" if count == 1 else f"{count:,} times"
    message = f"{where} has no value in places: {what}, {times}"
    hint = "the bijection there has become too steep; `specc explain E0820` gives remedies"
    return RunFailure("E0820", message, hint=hint, place=place.at if place else "")
