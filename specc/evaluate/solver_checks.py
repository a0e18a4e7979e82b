"""Checks that evaluation uses solved equations alone: fixed points and roots of bijections."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from specc.runtime.failure import RunFailure
from specc.runtime.solver_failures import on_solver_failure
from specc.runtime.source_map import Found, find, located


@contextmanager
def require_solutions(folder: Path) -> Iterator[None]:
    """A context for code of `folder`, as `located`, in which every solver must succeed.

    Raises RunFailure: E0820, with the first node whose solver failed, its place in the spec and the
    number of failures; E0809 for other exceptions.
    """
    first: list[tuple[str, Found | None]] = []
    counts: list[int] = []

    def record(problem: str, count: int) -> None:
        counts.append(count)
        if not first:
            first.append((problem, find(traceback.extract_stack(), folder)))

    with located(folder), on_solver_failure(record):
        yield
    if first:
        raise _failure(*first[0], sum(counts))


def _failure(problem: str, found: Found | None, count: int) -> RunFailure:
    place = found.place if found else None
    line = f" ({found.line})" if found else ""
    where = f"node `{place.node}`{line}" if place else f"the generated code{line}"
    times = "once" if count == 1 else f"{count:,} times"
    message = f"the equation of {where} was not solved: {problem}, {times}"
    hint = "the bijection has become too steep; `specc explain E0820` gives remedies"
    return RunFailure("E0820", message, hint=hint, place=place.at if place else "")
