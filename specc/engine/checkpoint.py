"""The state of a run on disk: weights, optimizers, counters; whole, or not there.

    checkpoints/<step>/weights.safetensors    parameters and buffers, by name
    checkpoints/<step>/optimizer.safetensors  what each optimizer remembers of each parameter
    checkpoints/<step>/state.json             counters, sums, and the hashes of both

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

from specc.engine import files
from specc.engine.step import Player
from specc.runtime.failure import RunFailure

FOLDER = "checkpoints"
WEIGHTS = "weights.safetensors"
OPTIMIZER = "optimizer.safetensors"
STATE = "state.json"
KEEP = 2


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


def save(
    run: Path,
    program: nn.Module,
    players: Sequence[Player],
    counters: Counters,
    tally: Mapping[str, Any],
) -> None:
    """Writes a checkpoint, reads it back, and removes all but the last two.

    Raises RunFailure: E0811, where it cannot be written; the one before stays as it is.
    """
    folder = run / FOLDER / f"{counters.total:09d}"
    if folder.exists():
        if _is_whole(folder):
            return
        shutil.rmtree(folder)

    def fill(beside: Path) -> None:
        save_file(weights_of(program), beside / WEIGHTS)
        save_file(_optimizer_tensors(players), beside / OPTIMIZER)
        hashes = {name: files.hash_of(beside / name) for name in (WEIGHTS, OPTIMIZER)}
        state = {"counters": asdict(counters), "tally": dict(tally), "hashes": hashes}
        (beside / STATE).write_text(json.dumps(state), encoding="utf-8")

    try:
        files.write_folder(folder, fill)
    except SafetensorError as error:
        raise RunFailure("E0811", f"{folder} cannot be written: {error}") from error
    _read(folder)
    for old in _folders(run)[:-KEEP]:
        shutil.rmtree(old, ignore_errors=True)


def latest(run: Path) -> Checkpoint | None:
    """The last checkpoint of a run that is whole; None where it has none yet.

    Raises RunFailure: E0803, where there are checkpoints and every one of them is damaged.
    """
    failure: RunFailure | None = None
    for folder in reversed(_folders(run)):
        try:
            return _read(folder)
        except RunFailure as found:
            failure = failure or found
    if failure is not None:
        raise failure
    return None


def restore(checkpoint: Checkpoint, program: nn.Module, players: Sequence[Player] = ()) -> None:
    """Puts the weights, and what the optimizers remember, back into place.

    Raises RunFailure: E0803, where the names or shapes are not those of the program.
    """
    live = _unique(program)
    if {n: t.shape for n, t in live.items()} != {n: t.shape for n, t in checkpoint.weights.items()}:
        different = sorted(set(live) ^ set(checkpoint.weights)) or ["their shapes differ"]
        raise _damaged(checkpoint.folder, f"its weights are not the program's: {different[0]}")
    with torch.no_grad():
        for name, tensor in live.items():
            tensor.copy_(checkpoint.weights[name])
    for number, player in enumerate(players):
        _restore_optimizer(player, number, checkpoint)


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
        shapes = {tensor.shape for tensor in state[index].values()}
        if shapes - {player.parameters[index].shape, torch.Size()}:
            raise _damaged(checkpoint.folder, f"what it remembers of `{name}` has another shape")
    groups = player.optimizer.state_dict()["param_groups"]
    kept = {index: values for index, values in state.items() if values}
    player.optimizer.load_state_dict({"state": kept, "param_groups": groups})


def _folders(run: Path) -> list[Path]:
    root = run / FOLDER
    return sorted(p for p in root.iterdir() if p.name.isdigit()) if root.is_dir() else []


def _is_whole(folder: Path) -> bool:
    try:
        _read(folder)
    except RunFailure:
        return False
    return True


def _read(folder: Path) -> Checkpoint:
    try:
        state = files.read_json(folder / STATE)
        for name, expected in state["hashes"].items():
            if files.hash_of(folder / name) != expected:
                raise _damaged(folder, f"{name} is not what was written")
        return Checkpoint(
            folder,
            Counters(**state["counters"]),
            state["tally"],
            load_file(folder / WEIGHTS),
            load_file(folder / OPTIMIZER),
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise _damaged(folder, str(error)) from error


def _damaged(folder: Path, problem: str) -> RunFailure:
    hint = "train again, or remove it to use the one before"
    return RunFailure("E0803", f"the checkpoint {folder} is damaged: {problem}", hint=hint)
