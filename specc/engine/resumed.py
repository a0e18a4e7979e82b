"""A run under a spec that is not quite the one it began with.

`train --resume` goes on where `specc.verdict` says that it can. What is new is put beside what was:
`revisions/<n>` has the spec, the settings and the code from a step on, and run.json says from which
step, what changed, and what the modules of earlier checkpoints are called now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specc.engine import checkpoint, record
from specc.engine.files import to_json
from specc.runtime import manifest as manifests
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Manifest
from specc.verdict import Module, Side, judge, module_of


def side(manifest: Manifest) -> Side:
    """A manifest as `specc.verdict` looks at it."""
    modules = {
        name: Module(own.erased, own.inputs, own.columns) for name, own in manifest.modules.items()
    }
    return Side(manifest.digests, manifest.parameters, modules, manifest.fixed)


@dataclass(frozen=True, slots=True)
class Revision:
    """What another spec changes in a run; `names` are the old names of modules by the new ones."""

    names: Mapping[str, str]
    changes: tuple[str, ...]


def revision(run: Path, manifest: Manifest, moved: Mapping[str, str]) -> Revision | None:
    """What changes where the run goes on under this manifest; None where it is the run's own.

    Raises RunFailure: E0801, where it cannot go on under it.
    """
    _, code = record.facts_of(run)
    known = manifests.read(code)
    if record.differing(known, manifest) is None:
        return None
    judged = judge(side(known), side(manifest), moved)
    if judged.fate != "resumes":
        hint = "choose another folder, or train the spec that is in it"
        if judged.names:
            hint = f"{judged.sentence()}: `--from {run}` starts a new run with them"
        message = f"the run in {run} does not go on under this spec: {judged.reason()}"
        raise RunFailure("E0801", message, hint=hint, exit_code=USAGE)
    pairs = {module_of(new): module_of(old) for new, old in judged.names.items()}
    names = {new: old for new, old in pairs.items() if new != old}
    return Revision(names, tuple(_changes(known, manifest, names)))


def take_up(
    run: Path, code: Path, spec: str | None, extras: Mapping[str, str], found: Revision
) -> int:
    """Lets the run go on under the spec that `code` was compiled from; gives the step it stands at.

    run.json is written last, so that the run is under one spec or the other at any moment.

    Raises RunFailure: E0803 where no checkpoint is whole, E0811 where nothing can be written.
    """
    last = checkpoint.latest(run)
    step = 0 if last is None else last.counters.total
    names, changes = dict(found.names), list(found.changes)
    record.revise(run, code, spec, extras, {"step": step, "names": names, "changes": changes})
    return step


def _changes(old: Manifest, new: Manifest, names: Mapping[str, str]) -> Iterator[str]:
    """What differs, in the words of the manifest: `train.epochs: 1 -> 3`."""
    if old.name != new.name:
        yield f"name: {old.name} -> {new.name}"
    yield from (f"{before} is now {after}" for after, before in names.items())
    before = dict(flat("train.", old.train)) | dict(flat("evaluate.", old.evaluate))
    after = dict(flat("train.", new.train)) | dict(flat("evaluate.", new.evaluate))
    for key in dict.fromkeys([*after, *before]):
        was, now = before.get(key, "nothing"), after.get(key, "nothing")
        if was != now and not key.endswith(".at"):
            yield f"{key}: {was} -> {now}"


def flat(above: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The values of a mapping as text, by their path; none for what is not given."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(f"{above}{key}.", value)
        elif value is not None:
            yield f"{above}{key}", value if isinstance(value, str) else to_json(value)
