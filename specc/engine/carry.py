"""A warm start: the tensors of another run that have the name and shape of this program's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from specc.engine import checkpoint, record
from specc.engine.stored import WHOLE, Whole
from specc.runtime.failure import USAGE, RunFailure


@dataclass(frozen=True, slots=True)
class Carried:
    """What was taken from another run, and what starts afresh, by the names of this program."""

    run: str
    step: int
    taken: tuple[str, ...]
    fresh: tuple[str, ...]

    def sentence(self) -> str:
        """`12 of 14 tensors come from runs/vae-1; new: model.decoder.4.weight, ...`."""
        total = len(self.taken) + len(self.fresh)
        new = f"; new: {', '.join(self.fresh)}" if self.fresh else ""
        return f"{len(self.taken)} of {total} tensors come from {self.run}{new}"

    def facts(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "run": self.run,
            "step": self.step,
            "taken": list(self.taken),
            "fresh": list(self.fresh),
        }


def carry(run: Path, program: nn.Module, moved: Mapping[str, str], hands: Whole = WHOLE) -> Carried:
    """Copies what fits from the last checkpoint of `run`; `moved` has new names by the old.

    Raises RunFailure: E0802 where there is no checkpoint, E0814 where nothing of it fits.
    """
    record.only_files(run)
    found = checkpoint.best(run) or checkpoint.latest(run)
    if found is None:
        hint = "name the folder of a run, such as `runs/vae-1`"
        raise RunFailure("E0802", f"there is no checkpoint in {run}", hint=hint, exit_code=USAGE)
    stored = found.useful
    known = {renamed(name, moved): name for name in stored}
    live = dict(program.named_parameters()) | dict(program.named_buffers())
    taken = [n for n, t in live.items() if n in known and stored.shape(known[n]) == t.shape]
    if not taken:
        message = f"no tensor of the run {run} has the name and shape of one of this program"
        hint = "`moved: {old.name: new.name}` in the spec renames; `specc diff` shows what carries"
        raise RunFailure("E0814", message, hint=hint, exit_code=USAGE)
    hands.read(stored, {known[name]: live[name] for name in taken})
    fresh = tuple(name for name in live if name not in set(taken))
    return Carried(str(run), found.counters.total, tuple(taken), fresh)


def renamed(name: str, moved: Mapping[str, str]) -> str:
    """The new name of a tensor: its own entry in `moved`, or that of the nearest name above it."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        above = ".".join(parts[:length])
        if above in moved:
            return ".".join([moved[above], *parts[length:]])
    return name
