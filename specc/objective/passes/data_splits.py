"""The parts of the data that a spec takes, where it shows already that nothing makes them.

A source whose files may bring parts of their own is asked when it is read.
"""

from __future__ import annotations

from collections.abc import Iterator

from specc.catalog.registry import SOURCES
from specc.diagnostics.report import diagnose
from specc.diagnostics.source import Span
from specc.graph.findings import Findings
from specc.language.schema.spec import Spec
from specc.objective.passes.plateaus import plateaus

TRAIN, VALID = "train", "valid"
VALIDATES = ("validate_every", "early_stopping")


def check_splits(spec: Spec, findings: Findings) -> None:
    """Find every part that a metric or the training needs and no split makes (E0509)."""
    made = _made(spec)
    if made is None:
        return
    for part, place, by in _taken(spec):
        if part not in made:
            has = ", ".join(f"`{name}`" for name in sorted(made))
            hint = f"write `split: {{{part}: 0.1}}` under `data:`; there are {has}"
            problem = f"{by}, and no split makes that part"
            findings.add(diagnose("E0509", place, name=part, problem=problem, hint=hint))


def _made(spec: Spec) -> set[str] | None:
    """The parts that there are; None where only the files tell."""
    data = spec.document.data
    if data is None or data.source not in SOURCES or spec.unread.holds("data", "split"):
        return None
    entry = SOURCES[data.source]
    if entry.publishes:
        return None
    own = {name for name in entry.rows if name != "all"}
    own |= {option.part for option in entry.options if option.part and option.name in data.options}
    return {TRAIN, *own, *(data.split or entry.split)}


def _taken(spec: Spec) -> Iterator[tuple[str, Span, str]]:
    """Each part that is taken beside the training rows, where the spec says so, and by what."""
    train = spec.document.train
    for key in VALIDATES:
        if getattr(train, key) is not None and ("train", key) in spec.spans:
            yield VALID, spec.spans.key(("train", key)), f"`{key}` needs `{VALID}`"
    for path, _ in plateaus(spec):
        yield VALID, spec.spans.key(path), f"`schedule: plateau` needs `{VALID}`"
    for name, figure in spec.document.evaluate.items():
        written = ("evaluate", name, "data")
        place = spec.spans.value(written) if written in spec.spans else spec.spans.key(written[:2])
        yield figure.data, place, f"the metric `{name}` needs `{figure.data}`"
