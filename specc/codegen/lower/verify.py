"""What the generated code promises, checked on its tree; a breach is a bug of ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from specc.codegen.code.statements import Function, Return, free
from specc.codegen.lower.build import Generated

BUILTINS = frozenset({"next", "range", "reversed", "zip"})
"""What a function may call that is neither its own nor imported."""


def verify_generated(generated: Generated) -> None:
    """No function breaks a promise. Raises AssertionError."""
    found = breaches(generated)
    assert not found, "; ".join(found)


def breaches(generated: Generated) -> list[str]:
    """What is wrong, in words; nothing in sound code.

    Each function takes every name that it reads, each of them once, and returns at its end. No
    class has two methods of one name.
    """
    found: list[str] = []
    for written in generated.classes.values():
        names = Counter(method.name for method in written.methods)
        twice = [name for name, count in names.items() if count > 1]
        found += [f"{written.name} has two methods {name}" for name in twice]
        found += [each for method in written.methods for each in _breaches(method, written.name)]
    found += [each for loss in generated.losses.values() for each in _breaches(loss, "objective")]
    return found


def _breaches(function: Function, owner: str) -> Iterator[str]:
    where = f"{owner}.{function.name}"
    given = Counter(p.name for p in (*function.parameters, *function.keywords))
    for name, count in given.items():
        if count > 1:
            yield f"{where} takes {name} {count} times"
    for name in sorted(free(function) - set(given) - BUILTINS):
        yield f"{where} reads {name}, which it does not take"
    if not function.body or not isinstance(function.body[-1], Return):
        yield f"{where} does not return at its end"
