"""The rules by which tensors follow parameters, as declared in the manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

RULES: Mapping[str, tuple[str, ...]] = {"power_iteration": (), "moving_average": ("decay",)}
"""The rules with their options."""


@dataclass(frozen=True, slots=True)
class AfterUpdate:
    """A rule for the tensors of `module`, after an update of parameters of `of`; dotted names."""

    rule: str
    module: str
    of: str
    options: Mapping[str, float] = field(default_factory=dict)


def moved_by(rules: Iterable[AfterUpdate], trained: Sequence[str]) -> tuple[AfterUpdate, ...]:
    """The rules that apply after an update of the parameters whose names begin with `trained`.

    A rule may follow a module that an earlier rule changes.
    """
    found: list[AfterUpdate] = []
    moved = [name.rstrip(".") for name in trained]
    for rule in rules:
        if any(is_inside(rule.of, name) or is_inside(name, rule.of) for name in moved):
            found.append(rule)
            moved.append(rule.module)
    return tuple(found)


def is_inside(name: str, other: str) -> bool:
    """Whether a dotted name is another, or lies below it."""
    return name == other or name.startswith(f"{other}.")
