"""Checks that the splits that a spec uses exist, as far as the spec alone shows it.

The splits of a source whose files may define some are checked when the data is read.
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
    """Report each split that a metric or the training needs and that does not exist (E0509)."""
    existing = _existing_splits(spec)
    if existing is None:
        return
    for part, place, by in _used_splits(spec):
        if part not in existing:
            has = ", ".join(f"`{name}`" for name in sorted(existing))
            hint = f"write `split: {{{part}: 0.1}}` under `data:`; there are {has}"
            problem = f"{by}, and no split makes that part"
            findings.add(diagnose("E0509", place, name=part, problem=problem, hint=hint))


def _existing_splits(spec: Spec) -> set[str] | None:
    """Return the existing splits; None if they depend on the files."""
    data = spec.document.data
    if data is None or data.source not in SOURCES or spec.unread.holds("data", "split"):
        return None
    entry = SOURCES[data.source]
    if entry.publishes:
        return None
    own = {name for name in entry.rows if name != "all"}
    own |= {option.part for option in entry.options if option.part and option.name in data.options}
    return {TRAIN, *own, *(data.split or entry.split)}


def _used_splits(spec: Spec) -> Iterator[tuple[str, Span, str]]:
    """Yield each used split except `train`, with its position in the spec and its user."""
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
