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
    known = {name: _existing_splits(spec, name) for name in spec.document.sources}
    existing = {name: parts for name, parts in known.items() if parts is not None}
    if len(existing) < len(known) or not existing:
        return
    for part, place, by in _used_splits(spec):
        without = [name for name, parts in existing.items() if part not in parts]
        if len(without) == len(existing) or (part == VALID and without):
            has = ", ".join(f"`{name}`" for name in sorted(existing[without[0]]))
            hint = f"write `split: {{{part}: 0.1}}` under `data:`; there are {has}"
            if without[0]:
                hint = f"the source `{without[0]}` needs `split: {{{part}: 0.1}}`; it has {has}"
            problem = f"{by}, and no split makes that part"
            findings.add(diagnose("E0509", place, name=part, problem=problem, hint=hint))


def _existing_splits(spec: Spec, name: str) -> set[str] | None:
    """Return the existing splits of a source; None if they depend on the files."""
    data, path = spec.document.sources[name], spec.data_path(name)
    if data.source not in SOURCES or spec.unread.holds(*path, "split"):
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
