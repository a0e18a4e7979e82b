"""Verifies the tree of the generated code; a violation is a bug of the compiler."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from specc.codegen.code.statements import Function, Return, free
from specc.codegen.lower.build import Generated

BUILTINS = frozenset({"next", "range", "reversed", "zip"})
"""The names that a function may call without defining or importing them."""


def verify_generated(generated: Generated) -> None:
    """Verify all functions. Raises AssertionError with the violations."""
    found = violations(generated)
    assert not found, "; ".join(found)


def violations(generated: Generated) -> list[str]:
    """Return a sentence for each violation; empty if there are none.

    A function must have each name that it reads as a parameter, no parameter twice, and a return at
    its end. A class must not have two methods of the same name.
    """
    found: list[str] = []
    for written in generated.classes.values():
        names = Counter(method.name for method in written.methods)
        twice = [name for name, count in names.items() if count > 1]
        found += [f"{written.name} has two methods {name}" for name in twice]
        found += [each for method in written.methods for each in _violations(method, written.name)]
    found += [each for loss in generated.losses.values() for each in _violations(loss, "objective")]
    return found


def _violations(function: Function, owner: str) -> Iterator[str]:
    where = f"{owner}.{function.name}"
    given = Counter(p.name for p in (*function.parameters, *function.keywords))
    for name, count in given.items():
        if count > 1:
            yield f"{where} takes {name} {count} times"
    for name in sorted(free(function) - set(given) - BUILTINS):
        yield f"{where} reads {name}, which it does not take"
    if not function.body or not isinstance(function.body[-1], Return):
        yield f"{where} does not return at its end"
