"""The verdict on a change: what it means for a run that was made before it.

    identical             the same text
    cosmetic              nothing but words, order, layout, or a default written out
    checkpoint resumes    `train --resume` goes on with the run
    all n tensors fit     `train --from` starts from all of its weights, a resume is refused
    n of m tensors fit    `train --from` starts from some of them
    no tensor fits        nothing of the run is of use

The first that holds is the verdict. What decides between the last four is `specc.verdict`, which
`train` asks as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from specc.codegen.plan import Plan
from specc.codegen.tensors import side
from specc.diff.changes import Change, changes
from specc.verdict import Fate, Side, judge
from specc.verdict import Verdict as Judgement

Verdict = Literal[
    "identical", "cosmetic", "checkpoint-resumes", "all-tensors", "some-tensors", "breaks"
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
FATES: Mapping[Fate, Verdict] = {
    "resumes": "checkpoint-resumes",
    "all": "all-tensors",
    "some": "some-tensors",
    "none": "breaks",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes, the verdict with its words, and how many of the new tensors a run has.

    `differs` says what stands in the way of a resume; `moved` are tensors whose columns follow
    arguments that changed their places.
    """

    changes: tuple[Change, ...]
    verdict: Verdict
    words: str
    carried: int
    tensors: int
    differs: tuple[str, ...]
    moved: tuple[str, ...]


def compare(old: Plan, new: Plan) -> Comparison:
    """The changes from `old` to `new`; `moved:` in the new spec names renamed tensors."""
    found, before, after = changes(old, new), side(old), side(new)
    judged = judge(before, after, new.graph.graph.spec.document.moved)
    verdict = FATES[judged.fate]
    kept = all(new == old for new, old in judged.names.items())
    if judged.fate == "resumes" and kept and _alike(before, after):
        same = not found and _text(old) == _text(new)
        verdict = "identical" if same else "cosmetic"
    return Comparison(
        found,
        verdict,
        _words(verdict, judged),
        len(judged.names),
        judged.tensors,
        judged.differs,
        tuple(judged.columns),
    )


def _alike(old: Side, new: Side) -> bool:
    """Whether a run of both is one: nothing differs that a run is made of."""
    return all(old.digests[key] == new.digests[key] for key in ("math", "parameters", "training"))


def _words(verdict: Verdict, judged: Judgement) -> str:
    if verdict in ("identical", "cosmetic"):
        return verdict
    if judged.fate == "resumes":
        return judged.sentence()
    way = "" if judged.fate == "none" else ", for `train --from`"
    return f"{judged.sentence()}{way}{judged.shifted()}; no resume: {judged.reason()}"


def _text(plan: Plan) -> str:
    return plan.graph.graph.spec.source.text
