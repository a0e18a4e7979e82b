"""The verdict on the changes of a spec: their effect on existing runs.

    identical             the same text
    cosmetic              only comments, descriptions, order, layout or explicit defaults differ
    checkpoint resumes    `train --resume` continues the run
    all n tensors fit     `train --from` starts from all weights; a resume is refused
    n of m tensors fit    `train --from` starts from some of the weights
    no tensor fits        the run cannot be used, as one of a sampler that does not resume

The verdict is the first one that applies. `specc.verdict` decides between the last four, also for
`train`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from msgspec import Struct

from specc.codegen.plan import Plan
from specc.codegen.tensors import side
from specc.comparison.changes import Change, changes
from specc.verdict import Compatibility, Outcome, Side, compare_weights

Verdict = Literal[
    "identical", "cosmetic", "checkpoint-resumes", "all-tensors", "some-tensors", "breaks"
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
VERDICT_OF: Mapping[Outcome, Verdict] = {
    "resumes": "checkpoint-resumes",
    "all": "all-tensors",
    "some": "some-tensors",
    "none": "breaks",
}


class Comparison(Struct, frozen=True):
    """All changes, the verdict, and how many of the new tensors a run has.

    `differs` are phrases for what prevents a resume; `moved` are the tensors whose columns are
    permuted, because arguments changed their positions.
    """

    changes: tuple[Change, ...]
    verdict: Verdict
    words: str
    carried: int
    tensors: int
    differs: tuple[str, ...]
    moved: tuple[str, ...]


def compare(old: Plan, new: Plan) -> Comparison:
    """Compare two specs; `moved:` in the new spec gives new names of tensors."""
    found, before, after = changes(old, new), side(old), side(new)
    fit = compare_weights(before, after, new.graph.graph.spec.document.moved)
    verdict = VERDICT_OF[fit.outcome]
    if new.objective.is_sampled and verdict != "checkpoint-resumes":
        verdict = "breaks"  # chains start at random points, not at a tensor
    same_names = all(new == old for new, old in fit.names.items())
    if fit.outcome == "resumes" and same_names and _same_digests(before, after):
        same = not found and _text(old) == _text(new)
        verdict = "identical" if same else "cosmetic"
    return Comparison(
        found,
        verdict,
        _words(verdict, fit, is_sampled=new.objective.is_sampled),
        len(fit.names),
        fit.tensors,
        fit.differs,
        tuple(fit.columns),
    )


def _same_digests(old: Side, new: Side) -> bool:
    """Whether mathematics, parameters and training have equal digests."""
    return all(old.digests[key] == new.digests[key] for key in ("math", "parameters", "training"))


def _words(verdict: Verdict, fit: Compatibility, *, is_sampled: bool) -> str:
    if verdict in ("identical", "cosmetic"):
        return verdict
    if fit.outcome == "resumes":
        return fit.sentence()
    if is_sampled:
        return f"no run resumes: {fit.reason()}"
    way = ", for `train --from`" if fit.outcome != "none" else ""
    return f"{fit.sentence()}{way}{fit.shifted()}; no resume: {fit.reason()}"


def _text(plan: Plan) -> str:
    return plan.graph.graph.spec.source.text
