"""A warm start: training starts from the tensors of another run that fit (`specc.verdict`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from msgspec.structs import replace
from torch import Tensor

from specc.engine.storage import checkpoint, run_folder
from specc.engine.storage.replicated import REPLICATED, Replicated, Stored
from specc.engine.storage.revision import side
from specc.runtime import after_update
from specc.runtime import manifest as manifests
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.program import Program
from specc.verdict import Side, compare_weights


@dataclass(frozen=True, slots=True)
class WarmStart:
    """The parameters that are loaded from another run, and those that are initialized."""

    run: str
    step: int
    loaded: tuple[str, ...]
    fresh: tuple[str, ...]
    shifted: str = ""

    def sentence(self) -> str:
        """`12 of 14 tensors come from runs/vae-1; new: model.decoder.4.weight, ...`."""
        total = len(self.loaded) + len(self.fresh)
        new = f"; new: {', '.join(self.fresh)}" if self.fresh else ""
        return f"{len(self.loaded)} of {total} tensors come from {self.run}{self.shifted}{new}"

    def facts(self) -> dict[str, Any]:
        """The summary as run.json stores it."""
        return {
            "run": self.run,
            "step": self.step,
            "taken": list(self.loaded),
            "fresh": list(self.fresh),
        }


def warm_start(
    run: Path, program: Program, moved: Mapping[str, str], storage: Replicated = REPLICATED
) -> WarmStart:
    """Copies the tensors that fit from the last checkpoint of `run`.

    `moved` has the new names of tensors by the old ones.

    Raises RunFailure: E0802 if there is no checkpoint, E0814 if no tensor of it fits.
    """
    run_folder.only_files(run)
    found = checkpoint.best(run) or checkpoint.latest(run)
    if found is None:
        hint = "name the folder of a run, such as `runs/vae-1`"
        raise RunFailure("E0802", f"there is no checkpoint in {run}", hint=hint, exit_code=USAGE)
    stored, own = found.evaluation_weights, checkpoint.named_tensors(program)
    fit = compare_weights(*_sides(run, stored, program), moved)
    if not fit.names:
        message = f"no tensor of the run {run} has the name and shape of one of this program"
        hint = (
            "`moved: {old.name: new.name}` in the spec renames tensors; "
            "`specc diff` shows what carries over"
        )
        raise RunFailure("E0814", message, hint=hint, exit_code=USAGE)
    names = {**_buffers(fit.names, own, stored), **fit.names}
    storage.read(stored, {old: own[name] for name, old in names.items()})
    with torch.no_grad():
        for name, (axis, order) in fit.columns.items():
            places = torch.tensor(order, device=own[name].device)
            own[name].copy_(own[name].index_select(axis, places))
    after_update.start(program, program.manifest.after_update, fit.names)
    loaded = tuple(name for name, _ in program.named_parameters() if name in fit.names)
    fresh = tuple(name for name, _ in program.named_parameters() if name not in fit.names)
    return WarmStart(str(run), found.counters.total, loaded, fresh, fit.shifted())


def _sides(run: Path, stored: Stored, program: Program) -> tuple[Side, Side]:
    """The run and the program as `specc.verdict` compares them, with their actual tensors."""
    _, code = run_folder.facts_of(run)
    before = manifests.read(code)
    listed = before.parameters if before.modules else stored
    old = {name: tuple(stored.shape(name)) for name in listed if name in stored}
    new = {name: tuple(p.shape) for name, p in program.named_parameters()}
    return replace(side(before), shapes=old), replace(side(program.manifest), shapes=new)


def _buffers(names: Mapping[str, str], own: Mapping[str, Tensor], stored: Stored) -> dict[str, str]:
    """The sources of buffers: those of the layer whose parameters are loaded."""
    layers = {n.rpartition(".")[0]: old.rpartition(".")[0] for n, old in names.items()}
    found = {}
    for name in own:
        layer, _, leaf = name.rpartition(".")
        old = f"{layers.get(layer, layer)}.{leaf}"
        if name not in names and old in stored and stored.shape(old) == own[name].shape:
            found[name] = old
    return found
