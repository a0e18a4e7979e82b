"""A warm start: the tensors of another run that fit, as `specc.verdict` judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from specc.engine import checkpoint, record
from specc.engine.resumed import side
from specc.engine.stored import WHOLE, Stored, Whole
from specc.runtime import manifest as manifests
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.program import Program
from specc.verdict import Side, judge


@dataclass(frozen=True, slots=True)
class Carried:
    """What was taken from another run, and what starts afresh, by the names of this program."""

    run: str
    step: int
    taken: tuple[str, ...]
    fresh: tuple[str, ...]
    shifted: str = ""

    def sentence(self) -> str:
        """`12 of 14 tensors come from runs/vae-1; new: model.decoder.4.weight, ...`."""
        total = len(self.taken) + len(self.fresh)
        new = f"; new: {', '.join(self.fresh)}" if self.fresh else ""
        return f"{len(self.taken)} of {total} tensors come from {self.run}{self.shifted}{new}"

    def facts(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "run": self.run,
            "step": self.step,
            "taken": list(self.taken),
            "fresh": list(self.fresh),
        }


def carry(run: Path, program: Program, moved: Mapping[str, str], hands: Whole = WHOLE) -> Carried:
    """Copies what fits from the last checkpoint of `run`; `moved` has new names by the old.

    Raises RunFailure: E0802 where there is no checkpoint, E0814 where nothing of it fits.
    """
    record.only_files(run)
    found = checkpoint.best(run) or checkpoint.latest(run)
    if found is None:
        hint = "name the folder of a run, such as `runs/vae-1`"
        raise RunFailure("E0802", f"there is no checkpoint in {run}", hint=hint, exit_code=USAGE)
    stored, own = found.useful, checkpoint.named_tensors(program)
    judged = judge(*_sides(run, stored, program), moved)
    if not judged.names:
        message = f"no tensor of the run {run} has the name and shape of one of this program"
        hint = (
            "`moved: {old.name: new.name}` in the spec renames tensors; "
            "`specc diff` shows what carries over"
        )
        raise RunFailure("E0814", message, hint=hint, exit_code=USAGE)
    names = {**_buffers(judged.names, own, stored), **judged.names}
    hands.read(stored, {old: own[name] for name, old in names.items()})
    with torch.no_grad():
        for name, (axis, order) in judged.columns.items():
            places = torch.tensor(order, device=own[name].device)
            own[name].copy_(own[name].index_select(axis, places))
    taken = tuple(name for name, _ in program.named_parameters() if name in judged.names)
    fresh = tuple(name for name, _ in program.named_parameters() if name not in judged.names)
    return Carried(str(run), found.counters.total, taken, fresh, judged.shifted())


def _sides(run: Path, stored: Stored, program: Program) -> tuple[Side, Side]:
    """The run and the program, with the tensors that are really there."""
    _, code = record.facts_of(run)
    before = manifests.read(code)
    listed = before.parameters if before.modules else stored
    old = {name: tuple(stored.shape(name)) for name in listed if name in stored}
    new = {name: tuple(p.shape) for name, p in program.named_parameters()}
    return replace(side(before), shapes=old), replace(side(program.manifest), shapes=new)


def _buffers(names: Mapping[str, str], own: Mapping[str, Tensor], stored: Stored) -> dict[str, str]:
    """What a layer keeps beside its learnt tensors comes from where these come from."""
    layers = {n.rpartition(".")[0]: old.rpartition(".")[0] for n, old in names.items()}
    found = {}
    for name in own:
        layer, _, leaf = name.rpartition(".")
        old = f"{layers.get(layer, layer)}.{leaf}"
        if name not in names and old in stored and stored.shape(old) == own[name].shape:
            found[name] = old
    return found
