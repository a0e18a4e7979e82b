"""The verdict on a change: what it means for a run that was made before it.

    identical             the same text
    cosmetic              nothing but words, order or layout
    training only         the same model and objective, sought in another way
    same mathematics      names of nodes or links, and so of tensors
    checkpoint resumes    another density or objective over the same tensors
    n of m tensors        some of the learnt tensors have the same name and shape
    breaks                none has

The first that holds is the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from specc.catalog.entry import Shape
from specc.codegen.diff.changes import Change, changes
from specc.codegen.digests import digests
from specc.codegen.manifest import parameters
from specc.codegen.plan import Plan

Verdict = Literal[
    "identical",
    "cosmetic",
    "training-only",
    "same-mathematics",
    "checkpoint-resumes",
    "some-tensors",
    "breaks",
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes, the verdict, and how many of the new tensors an old checkpoint has."""

    changes: tuple[Change, ...]
    verdict: Verdict
    carried: int
    tensors: int

    def sentence(self) -> str:
        """The verdict in words."""
        if self.verdict == "some-tensors":
            return f"{self.carried} of {self.tensors} tensors carry over"
        return self.verdict.replace("-", " ")


def compare(old: Plan, new: Plan) -> Comparison:
    """The changes from `old` to `new`; `moved:` in the new spec names renamed tensors."""
    found = changes(old, new)
    before, after = _tensors(old, new)
    carried = sum(before.get(name) == shape for name, shape in after.items())
    verdict = _verdict(old, new)
    if verdict == "cosmetic" and not found and _text(old) == _text(new):
        verdict = "identical"
    return Comparison(found, verdict, carried, len(after))


def _text(plan: Plan) -> str:
    return plan.graph.graph.spec.source.text


def _verdict(old: Plan, new: Plan) -> Verdict:
    first, second = (digests(plan, parameters(plan)) for plan in (old, new))
    same = {key for key in first if first[key] == second[key]}
    if {"math", "parameters", "training"} <= same:
        return "cosmetic"
    if {"math", "parameters"} <= same:
        return "training-only"
    if "math" in same:
        return "same-mathematics"
    before, after = _tensors(old, new)
    if before == after:
        return "checkpoint-resumes"
    shared = [name for name, shape in after.items() if before.get(name) == shape]
    return "some-tensors" if shared else "breaks"


def _tensors(old: Plan, new: Plan) -> tuple[dict[str, Shape], dict[str, Shape]]:
    """The learnt tensors of both by their names in the new spec."""
    moved = new.graph.graph.spec.document.moved
    before = {_renamed(name, moved): shape for name, shape in parameters(old)}
    return before, dict(parameters(new))


def _renamed(name: str, moved: Mapping[str, str]) -> str:
    """The new name of a tensor: its own entry, or the nearest one above it."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        above = ".".join(parts[:length])
        if above in moved:
            return ".".join([moved[above], *parts[length:]])
    return name
