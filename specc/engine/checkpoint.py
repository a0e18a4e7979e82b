"""The state of a run on disk: weights, optimizers, counters; whole, or not there.

    checkpoints/<step>/weights.safetensors    parameters and buffers, by name
    checkpoints/<step>/optimizer.safetensors  what each optimizer remembers of each parameter
    checkpoints/<step>/averages.safetensors   the running mean of the weights, where there is one
    checkpoints/<step>/state.json             counters, sums, and the hashes of all of them
    best/<step>/weights.safetensors           the weights of the best validation loss, for use
    best/<step>/state.json                    its counters, and the hash

Nothing in them is code: loading one executes nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from specc.engine import files, forms
from specc.engine.forms import State
from specc.engine.player import Player
from specc.runtime.failure import RunFailure

FOLDER = "checkpoints"
WEIGHTS = "weights.safetensors"
OPTIMIZER = "optimizer.safetensors"
AVERAGES = "averages.safetensors"
STATE = "state.json"
BEST = "best"


@dataclass(frozen=True, slots=True)
class Counters:
    """Where a run stands: `step` steps of epoch `epoch` are done, `total` since the start."""

    epoch: int = 0
    step: int = 0
    total: int = 0
    skipped: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that was read whole."""

    folder: Path
    counters: Counters
    tally: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    averages: Mapping[str, Tensor]

    @property
    def useful(self) -> Mapping[str, Tensor]:
        """The weights to evaluate: their running mean, where there is one."""
        return {**self.weights, **self.averages}


def save(
    run: Path,
    program: nn.Module,
    players: Sequence[Player],
    counters: Counters,
    tally: Mapping[str, Any],
    averages: Mapping[str, Tensor] | None = None,
    keep: int = 2,
) -> None:
    """Writes a checkpoint, reads it back, and removes all but the last `keep`.

    Raises RunFailure: E0811, where it cannot be written; the one before stays as it is.
    """
    tensors = {WEIGHTS: weights_of(program), OPTIMIZER: _optimizer_tensors(players)}
    if averages is not None:
        tensors[AVERAGES] = {n: t.detach().cpu().contiguous() for n, t in averages.items()}
    _write(run / FOLDER / f"{counters.total:09d}", tensors, counters, tally)
    for old in _folders(run / FOLDER)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)


def save_best(run: Path, program: nn.Module, counters: Counters) -> None:
    """Writes the weights as they are now as the best so far, and removes those before.

    Raises RunFailure: E0811, where they cannot be written; the best before stays as it is.
    """
    folder = run / BEST / f"{counters.total:09d}"
    _write(folder, {WEIGHTS: weights_of(program)}, counters, {})
    for old in _folders(run / BEST):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)


def _write(
    folder: Path,
    tensors: Mapping[str, dict[str, Tensor]],
    counters: Counters,
    tally: Mapping[str, Any],
) -> None:
    if folder.exists():
        if _is_whole(folder):
            return
        shutil.rmtree(folder)

    def fill(beside: Path) -> None:
        for name, values in tensors.items():
            save_file(values, beside / name)
        hashes = {name: files.hash_of(beside / name) for name in tensors}
        state = {"counters": asdict(counters), "tally": dict(tally), "hashes": hashes}
        (beside / STATE).write_text(json.dumps(state), encoding="utf-8")

    try:
        files.write_folder(folder, fill)
    except SafetensorError as error:
        raise RunFailure("E0811", f"{folder} cannot be written: {error}") from error
    _read(folder)


def best(run: Path) -> Checkpoint | None:
    """The weights of the best validation loss; None where a run keeps none.

    Raises RunFailure: E0803, where they are damaged.
    """
    found = _folders(run / BEST)
    return _read(found[-1]) if found else None


def latest(run: Path) -> Checkpoint | None:
    """The last checkpoint of a run that is whole; None where it has none yet.

    Raises RunFailure: E0803, where there are checkpoints and every one of them is damaged.
    """
    failure: RunFailure | None = None
    for folder in reversed(_folders(run / FOLDER)):
        try:
            return _read(folder)
        except RunFailure as found:
            failure = failure or found
    if failure is not None:
        raise failure
    return None


def restore(
    checkpoint: Checkpoint,
    program: nn.Module,
    players: Sequence[Player],
    means: Mapping[str, Tensor] | None = None,
) -> None:
    """Puts weights, their means, and what optimizers remember back into place, to go on from there.

    Raises RunFailure: E0803, where the names or shapes are not those of the program.
    """
    _put(checkpoint, checkpoint.weights, program)
    if means is not None:
        _put_into(means, checkpoint, checkpoint.averages)
    for number, player in enumerate(players):
        _restore_optimizer(player, number, checkpoint)


def use(checkpoint: Checkpoint, program: nn.Module) -> None:
    """Puts the weights into place that are to be evaluated.

    Raises RunFailure: E0803, where the names or shapes are not those of the program.
    """
    _put(checkpoint, checkpoint.useful, program)


def _put(checkpoint: Checkpoint, weights: Mapping[str, Tensor], program: nn.Module) -> None:
    _put_into(_unique(program), checkpoint, weights)


def _put_into(
    live: Mapping[str, Tensor], checkpoint: Checkpoint, weights: Mapping[str, Tensor]
) -> None:
    if {n: t.shape for n, t in live.items()} != {n: t.shape for n, t in weights.items()}:
        different = sorted(set(live) ^ set(weights)) or ["their shapes differ"]
        raise _damaged(checkpoint.folder, f"its weights are not the program's: {different[0]}")
    with torch.no_grad():
        for name, tensor in live.items():
            tensor.copy_(weights[name])


def weights_of(program: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, each tensor once, on the CPU."""
    return {n: t.detach().cpu().contiguous() for n, t in _unique(program).items()}


def _unique(program: nn.Module) -> dict[str, Tensor]:
    found: dict[str, Tensor] = dict(program.named_parameters())
    kept = set(program.state_dict())
    found.update((n, b) for n, b in program.named_buffers() if n in kept)
    return found


def _optimizer_tensors(players: Sequence[Player]) -> dict[str, Tensor]:
    return {
        f"{number}/{name}/{key}": torch.as_tensor(value).detach().cpu().contiguous()
        for number, player in enumerate(players)
        for name, parameter in zip(player.names, player.parameters, strict=True)
        for key, value in player.optimizer.state.get(parameter, {}).items()
        if value is not None
    }


def _restore_optimizer(player: Player, number: int, checkpoint: Checkpoint) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for index, name in enumerate(player.names):
        prefix = f"{number}/{name}/"
        # A clone lies where torch aligns it, as in the run that wrote it: sums come out the same.
        state[index] = {
            key.removeprefix(prefix): tensor.clone()
            for key, tensor in checkpoint.optimizer.items()
            if key.startswith(prefix)
        }
        if not all(_fits(t.shape, player.parameters[index].shape) for t in state[index].values()):
            raise _damaged(checkpoint.folder, f"what it remembers of `{name}` has another shape")
    groups = player.optimizer.state_dict()["param_groups"]
    kept = {index: values for index, values in state.items() if values}
    player.optimizer.load_state_dict({"state": kept, "param_groups": groups})


def _fits(kept: torch.Size, parameter: torch.Size) -> bool:
    """A number, as many as the parameter has, or only a row and a column of a matrix."""
    pairs = zip(kept, parameter, strict=False)
    return not kept or (len(kept) == len(parameter) and all(k in (1, p) for k, p in pairs))


def _folders(root: Path) -> list[Path]:
    return sorted(p for p in root.iterdir() if p.name.isdigit()) if root.is_dir() else []


def _is_whole(folder: Path) -> bool:
    try:
        _read(folder)
    except RunFailure:
        return False
    return True


def _read(folder: Path) -> Checkpoint:
    try:
        state = forms.read(State, folder / STATE)
        hashes = state["hashes"]
        for name, expected in hashes.items():
            if name not in (WEIGHTS, OPTIMIZER, AVERAGES):
                raise _damaged(folder, f"it names a file `{name}`")
            if files.hash_of(folder / name) != expected:
                raise _damaged(folder, f"{name} is not what was written")
        tensors = {name: load_file(folder / name) for name in hashes}
        return Checkpoint(
            folder,
            Counters(**state["counters"].model_dump()),
            state["tally"],
            tensors[WEIGHTS],
            tensors.get(OPTIMIZER, {}),
            tensors.get(AVERAGES, {}),
        )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise _damaged(folder, str(error)) from error


def _damaged(folder: Path, problem: str) -> RunFailure:
    hint = "train again, or remove it to use the one before"
    return RunFailure("E0803", f"the checkpoint {folder} is damaged: {problem}", hint=hint)
