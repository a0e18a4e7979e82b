"""Revisions: a run that continues under a changed spec.

`train --resume` continues if `specc.verdict` allows it. `revisions/<n>` has the spec, the settings
and the code from a step on; run.json records that step, the changes, and the new names of the
modules of earlier checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specc.engine.storage import checkpoint, run_folder
from specc.engine.storage.file_io import to_json
from specc.runtime import manifest as manifests
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Manifest
from specc.verdict import Module, Side, compare_weights, module_of


def side(manifest: Manifest) -> Side:
    """The part of a manifest that `specc.verdict` compares."""
    modules = {
        name: Module(own.canonical, own.inputs, own.columns)
        for name, own in manifest.modules.items()
    }
    draws = 0 if manifest.sampler is None else manifest.sampler.draws
    return Side(manifest.digests, manifest.parameters, modules, manifest.fixed, draws)


@dataclass(frozen=True, slots=True)
class Revision:
    """The changes of a spec; `names` are the old names of renamed modules by their new names."""

    names: Mapping[str, str]
    changes: tuple[str, ...]


def revision(run: Path, manifest: Manifest, moved: Mapping[str, str]) -> Revision | None:
    """The changes if the run continues under this manifest; None if there are none.

    Raises RunFailure: E0801, if the run cannot continue under it.
    """
    _, code = run_folder.facts_of(run)
    known = manifests.read(code)
    if run_folder.differing(known, manifest) is None:
        return None
    fit = compare_weights(side(known), side(manifest), moved)
    if fit.differs == ("sampler.draws",):
        raise _too_few_draws(run, known, manifest)
    if fit.outcome != "resumes":
        hint = "choose another folder, or train the spec that is in it"
        if fit.names and manifest.sampler is None:  # chains start at random points
            hint = f"{fit.sentence()}: `--from {run}` starts a new run with them"
        message = f"the run in {run} cannot resume under this spec: {fit.reason()}"
        raise RunFailure("E0801", message, hint=hint, exit_code=USAGE)
    pairs = {module_of(new): module_of(old) for new, old in fit.names.items()}
    names = {new: old for new, old in pairs.items() if new != old}
    return Revision(names, tuple(_changes(known, manifest, names)))


def apply_revision(
    run: Path, code: Path, spec: str | None, extras: Mapping[str, str | bytes], found: Revision
) -> int:
    """Records that the run continues under the spec of `code`; returns its last saved step.

    run.json is written last, so that the change is atomic.

    Raises RunFailure: E0803 if every checkpoint is damaged, E0811 if nothing can be written.
    """
    last = checkpoint.latest(run)
    step = 0 if last is None else last.counters.total
    names, changes = dict(found.names), list(found.changes)
    run_folder.revise(run, code, spec, extras, {"step": step, "names": names, "changes": changes})
    return step


def _changes(old: Manifest, new: Manifest, names: Mapping[str, str]) -> Iterator[str]:
    """The differences by the keys of the manifest: `train.epochs: 1 -> 3`."""
    if old.name != new.name:
        yield f"name: {old.name} -> {new.name}"
    yield from (f"{before} is now {after}" for after, before in names.items())
    before, after = dict(_settings(old)), dict(_settings(new))
    for key in dict.fromkeys([*after, *before]):
        was, now = before.get(key, "nothing"), after.get(key, "nothing")
        if was != now and not key.endswith(".at"):
            yield f"{key}: {was} -> {now}"


def _settings(manifest: Manifest) -> Iterator[tuple[str, str]]:
    yield from flat("train.", manifest.train)
    yield from flat("evaluate.", manifest.evaluate)
    if manifest.sampler is not None:
        yield from flat(f"sampler.{manifest.sampler.name}.", manifest.sampler.options)


def _too_few_draws(run: Path, old: Manifest, new: Manifest) -> RunFailure:
    """The failure of a run of a sampler that has more draws than it is to have."""
    assert old.sampler is not None and new.sampler is not None
    message = f"the run in {run} has {old.sampler.draws:,} draws, more than {new.sampler.draws:,}"
    return RunFailure("E0801", message, hint="choose another folder", exit_code=USAGE)


def flat(above: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The values of a nested mapping as text, by their path; None is left out."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(f"{above}{key}.", value)
        elif value is not None:
            yield f"{above}{key}", value if isinstance(value, str) else to_json(value)
