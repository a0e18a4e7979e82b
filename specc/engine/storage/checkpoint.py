"""Checkpoints: weights, optimizers and counters on disk, each complete or absent.

    checkpoints/<step>/weights.safetensors    parameters and buffers, by name
    checkpoints/<step>/optimizer.safetensors  the state of each optimizer, by parameter
    checkpoints/<step>/averages.safetensors   the moving average of the weights, if there is one
    checkpoints/<step>/losses.safetensors     the state of the losses, if they have any
    checkpoints/<step>/chains.safetensors     the state of the chains of a sampler, if there is one
    checkpoints/<step>/state.json             counters, metrics, early stopping, hashes; sealed
    best/<step>/weights.safetensors           the weights of the best validation loss
    best/<step>/losses.safetensors            the state of the losses then, if they have any
    best/<step>/state.json                    its counters, and the hashes

A checkpoint contains no code, so loading one executes nothing. It contains everything that the
continuation of a run depends on, with hashes. A damaged checkpoint is skipped for the previous one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from specc.engine import optimizers
from specc.engine.schedule.early_stopping import EarlyStopping
from specc.engine.step.player import Player
from specc.engine.step.running_metrics import RunningMetrics
from specc.engine.storage import file_io, metrics_log, record_schemas, run_folder, seal
from specc.engine.storage.record_schemas import FORMAT, Logged, Revised, State
from specc.engine.storage.replicated import REPLICATED, Replicated, Stored
from specc.runtime.failure import RunFailure
from specc.verdict import module_of

FOLDER = "checkpoints"
WEIGHTS = "weights.safetensors"
OPTIMIZER = "optimizer.safetensors"
EMA_WEIGHTS = "averages.safetensors"
LOSSES = "losses.safetensors"
CHAINS = "chains.safetensors"
STATE = "state.json"
BEST = "best"

UNNAMED = (LOSSES, CHAINS)
"""The files of tensors that are not named by parameters of the program."""

OF_STAGES = ("stage", "first_epoch", "first_step")
"""The counters that are zero in the first stage."""

NO_STATE: Mapping[str, Tensor] = MappingProxyType({})
"""The state of a program whose losses have none."""


@dataclass(frozen=True, slots=True)
class Counters:
    """The position of a run: `step` steps of epoch `epoch` are done, `total` since the start.

    `stage` counts the stages that are done, `first_epoch` and `first_step` the epochs and steps of
    these.
    """

    epoch: int = 0
    step: int = 0
    total: int = 0
    skipped: int = 0
    seconds: float = 0.0
    stage: int = 0
    first_epoch: int = 0
    first_step: int = 0

    @property
    def in_stage(self) -> Counters:
        """The counters since the start of the stage."""
        epoch, total = self.epoch - self.first_epoch, self.total - self.first_step
        return replace(self, epoch=epoch, total=total, first_epoch=0, first_step=0)

    def next_stage(self) -> Counters:
        """The counters at the start of the next stage."""
        first = {"first_epoch": self.epoch, "first_step": self.total}
        return replace(self, stage=self.stage + 1, step=0, **first)

    def as_json(self) -> dict[str, Any]:
        """The counters as a checkpoint stores them; without those of stages in the first one."""
        found = asdict(self)
        return found if self.stage else {k: found[k] for k in found if k not in OF_STAGES}

    def fit(self, per_epoch: int, steps: int) -> bool:
        """Whether a stage of `steps` steps, `per_epoch` in each epoch, can have these counters."""
        own = self.in_stage
        done = own.epoch * per_epoch + own.step
        return own.step <= per_epoch and own.total == min(done, steps)

    def under(self, per_epoch: int, steps: int) -> Counters:
        """The counters under a changed spec of `steps` steps, `per_epoch` in each epoch.

        If the former end of the stage cut the last epoch short, that epoch continues. The epochs of
        a sampler are longer if it makes more draws.
        """
        own = self.in_stage
        if own.total >= min(own.epoch * per_epoch + own.step, steps):
            return self
        epochs, step = divmod(own.total, per_epoch)
        return replace(self, epoch=self.first_epoch + epochs, step=step)


@dataclass(frozen=True, slots=True)
class TrainingState:
    """Everything that the continuation of a run depends on, beside its tensors and run.json.

    `running_metrics` has the sums of the metrics of the current epoch, `early_stopping` the record
    of validation losses, and `metrics` the number and the hash of the lines of metrics.jsonl.
    """

    counters: Counters = field(default_factory=Counters)
    running_metrics: Mapping[str, Any] = field(default_factory=lambda: RunningMetrics().state())
    early_stopping: EarlyStopping = field(default_factory=EarlyStopping)
    metrics: Mapping[str, Any] = field(default_factory=lambda: metrics_log.NOTHING)

    def as_json(self, hashes: Mapping[str, str], revision: int) -> dict[str, Any]:
        """The content of state.json, with the hashes of the other files."""
        return seal.sealed(
            {
                "format": FORMAT,
                "counters": self.counters.as_json(),
                "tally": dict(self.running_metrics),
                "watch": self.early_stopping.as_json(),
                "metrics": dict(self.metrics),
                **({"revision": revision} if revision else {}),
                "hashes": dict(hashes),
            }
        )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A verified checkpoint; its tensors are read when they are used."""

    folder: Path
    counters: Counters
    running_metrics: Mapping[str, Any]
    early_stopping: EarlyStopping
    metrics: Logged
    weights: Stored
    optimizer: Stored
    averages: Stored
    losses: Stored
    chains: Stored

    def counters_in(self, per_epoch: int, steps: int) -> Counters:
        """The counters in a run of `steps` steps; raises RunFailure E0803 if they do not fit."""
        counters = self.counters
        if run_folder.revisions_of(self.folder.parent.parent):
            counters = counters.under(per_epoch, steps)
            steps = max(steps, counters.in_stage.total)
        if not counters.fit(per_epoch, steps):
            message = f"the checkpoint {self.folder} is not of a run of this length"
            raise RunFailure("E0803", message, hint="train again")
        return counters

    @property
    def evaluation_weights(self) -> Stored:
        """The weights for evaluation: the moving average, if there is one."""
        return self.weights.under(self.averages)


def save(
    run: Path,
    program: nn.Module,
    players: Sequence[Player],
    state: TrainingState,
    averages: Mapping[str, Tensor] | None = None,
    keep: int = 2,
    storage: Replicated = REPLICATED,
    losses: Mapping[str, Tensor] = NO_STATE,
    chains: Mapping[str, Tensor] = NO_STATE,
) -> None:
    """Writes a checkpoint, verifies it, and removes all but the last `keep`.

    All processes that save call it together.

    Raises RunFailure: E0811, if it cannot be written; the previous one is unchanged.
    """
    tensors = {WEIGHTS: named_tensors(program), OPTIMIZER: _optimizer_tensors(players, storage)}
    if averages is not None:
        tensors[EMA_WEIGHTS] = _ema_tensors(averages, program, storage)
    if losses:
        tensors[LOSSES] = dict(losses)
    if chains:
        tensors[CHAINS] = dict(chains)
    folder = run / FOLDER / f"{state.counters.total:09d}"
    _write(folder, tensors, state, storage)
    storage.once(lambda: _remove(_folders(run / FOLDER)[:-keep]))


def save_best(
    run: Path,
    program: nn.Module,
    counters: Counters,
    storage: Replicated = REPLICATED,
    losses: Mapping[str, Tensor] = NO_STATE,
) -> None:
    """Writes the current weights as the best of the stage so far and removes the previous ones.

    Raises RunFailure: E0811, if they cannot be written; the previous ones are unchanged.
    """
    folder = run / BEST / f"{counters.total:09d}"
    tensors = {WEIGHTS: named_tensors(program), **({LOSSES: dict(losses)} if losses else {})}
    _write(folder, tensors, TrainingState(counters), storage)
    storage.once(lambda: _remove([old for old in _bests(run, counters.stage) if old != folder]))


def _remove(folders: Sequence[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _write(
    folder: Path,
    tensors: Mapping[str, dict[str, Tensor]],
    state: TrainingState,
    storage: Replicated,
) -> None:
    """Writes and verifies a checkpoint folder; raises RunFailure E0811 if that fails."""
    if storage.once(lambda: _is_there(folder)):
        return

    def describe(beside: Path) -> None:
        hashes = {name: file_io.hash_of(beside / name) for name in tensors}
        revision = len(run_folder.revisions_of(folder.parent.parent))
        record = state.as_json(hashes, revision)
        (beside / STATE).write_text(file_io.exact_json(record), encoding="utf-8")

    def fill(beside: Path) -> None:
        for name, values in tensors.items():
            storage.write(values, beside / name)
        storage.once(lambda: describe(beside))

    try:
        file_io.write_folder(folder, fill, storage.once)
    except SafetensorError as error:
        raise RunFailure("E0811", f"{folder} cannot be written: {error}") from error
    storage.once(lambda: verify(folder))


def _is_there(folder: Path) -> bool:
    """Whether the folder has a complete checkpoint; a damaged one is removed."""
    if not folder.exists():
        return False
    try:
        verify(folder)
    except RunFailure:
        shutil.rmtree(folder)
        return False
    return True


def best(
    run: Path,
    storage: Replicated = REPLICATED,
    known: EarlyStopping | None = None,
    stage: int | None = None,
) -> Checkpoint | None:
    """The weights of the best validation loss; None if the run has not saved any.

    `stage` is the stage of the validations, by default the last one that has any. `known` is the
    early-stopping record of the last checkpoint. The weights may be of a later step than
    `known.at`, if the run was killed between the two writes, but not of an earlier one.

    Raises RunFailure: E0803, if they are damaged or older than `known.at`.
    """
    folder = storage.once(lambda: _verified(_bests(run, stage)[-1:]))
    found = _open(folder) if folder else None
    if known is not None and (0 if found is None else found.counters.total) < known.at:
        raise _damaged(run / BEST, f"the weights of step {known.at} are not there")
    return found


def _bests(run: Path, stage: int | None) -> list[Path]:
    """The folders of best weights, of one stage or of all; a damaged one may be of any."""
    return [own for own in _folders(run / BEST) if stage is None or _stage_of(own) in (stage, None)]


def _stage_of(folder: Path) -> int | None:
    try:
        return record_schemas.read_sealed(State, folder / STATE)["counters"].stage
    except (OSError, ValueError):
        return None


def latest(run: Path, storage: Replicated = REPLICATED) -> Checkpoint | None:
    """The last complete checkpoint of a run; None if there is none yet.

    Raises RunFailure: E0803, if all checkpoints are damaged.
    """
    folder = storage.once(lambda: _verified(_folders(run / FOLDER)))
    return _open(folder) if folder else None


def _verified(folders: Sequence[Path]) -> Path | None:
    """The last folder with a complete checkpoint; raises RunFailure E0803."""
    failure: RunFailure | None = None
    for folder in reversed(folders):
        try:
            verify(folder)
            return folder
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
    storage: Replicated = REPLICATED,
    losses: Mapping[str, Tensor] = NO_STATE,
) -> None:
    """Restores the weights, their moving average, the optimizers and the state of the losses.

    Raises RunFailure: E0803, if names or shapes differ from those of the program.
    """
    _read_into(checkpoint.weights, named_tensors(program), checkpoint.folder, storage)
    if means is not None:
        live = _ema_tensors(means, program, storage)
        _read_into(checkpoint.averages, live, checkpoint.folder, storage)
    restore_losses(checkpoint, losses, storage)
    for number, player in enumerate(players):
        _restore_optimizer(player, number, checkpoint, storage)


def restore_losses(
    checkpoint: Checkpoint, losses: Mapping[str, Tensor], storage: Replicated = REPLICATED
) -> None:
    """Restores the state of the losses.

    Raises RunFailure: E0803, if names or shapes differ from those that the losses declare.
    """
    _read_into(checkpoint.losses, losses, checkpoint.folder, storage, "the state of its losses is")


def load_weights(
    checkpoint: Checkpoint, program: nn.Module, storage: Replicated = REPLICATED
) -> None:
    """Loads the weights for evaluation.

    Raises RunFailure: E0803, if names or shapes differ from those of the program.
    """
    _read_into(checkpoint.evaluation_weights, named_tensors(program), checkpoint.folder, storage)


def _read_into(
    stored: Stored,
    live: Mapping[str, Tensor],
    folder: Path,
    storage: Replicated,
    what: str = "its weights are",
) -> None:
    if {n: t.shape for n, t in live.items()} != {n: stored.shape(n) for n in stored}:
        different = sorted(set(live) ^ set(stored)) or ["their shapes differ"]
        raise _damaged(folder, f"{what} not the program's: {different[0]}")
    storage.read(stored, live)


def _ema_tensors(
    means: Mapping[str, Tensor], program: nn.Module, storage: Replicated
) -> dict[str, Tensor]:
    """The moving averages by name, sharded as the parameters are."""
    named = dict(program.named_parameters())
    return {name: storage.distributed(mean, named[name]) for name, mean in means.items()}


def named_tensors(program: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, each tensor once."""
    found: dict[str, Tensor] = dict(program.named_parameters())
    persistent = set(program.state_dict())
    found.update((n, b) for n, b in program.named_buffers() if n in persistent)
    return found


def _optimizer_tensors(players: Sequence[Player], storage: Replicated) -> dict[str, Tensor]:
    """The state of each optimizer, as `<player>/<parameter>/<key>`."""
    return {
        f"{number}/{name}/{key}": storage.distributed(torch.as_tensor(value), source)
        for number, player in enumerate(players)
        for name, own, source in zip(player.names, player.parameters, player.sources, strict=True)
        for key, value in player.optimizer.state.get(own, {}).items()
        if value is not None
    }


def _restore_optimizer(
    player: Player, number: int, checkpoint: Checkpoint, storage: Replicated
) -> None:
    """Restores the state of the optimizer of player `number`; raises RunFailure E0803."""
    stored = checkpoint.optimizer
    state: dict[int, dict[str, Tensor]] = {}
    live: dict[str, Tensor] = {}
    for index, name in enumerate(player.names):
        own, source = player.parameters[index], player.sources[index]
        prefix = f"{number}/{name}/"
        keys = [key for key in stored if key.startswith(prefix)]
        if not all(_fits(stored.shape(key), source.shape) for key in keys):
            raise _damaged(checkpoint.folder, f"the optimizer state of `{name}` has another shape")
        # Torch aligns a new tensor as it did in the run that wrote it, so sums round equally.
        state[index] = {k.removeprefix(prefix): storage.empty(stored, k, own) for k in keys}
        live |= {k: storage.distributed(state[index][k.removeprefix(prefix)], source) for k in keys}
    storage.read(stored, live)
    optimizers.load(player.optimizer, {index: own for index, own in state.items() if own})


def _fits(stored: torch.Size, parameter: torch.Size) -> bool:
    """Whether optimizer state fits a parameter: a scalar, its shape, or axes of length 1."""
    pairs = zip(stored, parameter, strict=False)
    return not stored or (len(stored) == len(parameter) and all(k in (1, p) for k, p in pairs))


def _folders(root: Path) -> list[Path]:
    if not root.is_dir() or root.is_symlink():
        return []
    return sorted(p for p in root.iterdir() if p.name.isdecimal() and p.name.isascii())


def verify(folder: Path) -> None:
    """Verifies the hashes of a checkpoint and opens it; raises RunFailure E0803."""
    with _reading(folder):
        state = record_schemas.read_sealed(State, folder / STATE)
        if f"{state['counters'].total:09d}" != folder.name:
            raise ValueError(f"it is of step {state['counters'].total}")
        for name, expected in state["hashes"].items():
            if name not in (WEIGHTS, OPTIMIZER, EMA_WEIGHTS, *UNNAMED):
                raise ValueError(f"it names a file `{name}`")
            if file_io.hash_of(folder / name) != expected:
                raise ValueError(f"{name} differs from what was written")
    _open(folder)


def _open(folder: Path) -> Checkpoint:
    """The checkpoint in a verified folder; raises RunFailure E0803."""
    with _reading(folder):
        state = record_schemas.read_sealed(State, folder / STATE)
        passed = run_folder.revisions_of(folder.parent.parent)[state.get("revision", 0) :]
        tensors = {
            name: Stored(folder / name).named(lambda key: current_name(key, passed))
            for name in state["hashes"]
            if name not in UNNAMED
        }
        losses, chains = (
            Stored(folder / name) if name in state["hashes"] else Stored() for name in UNNAMED
        )
        return Checkpoint(
            folder,
            Counters(**state["counters"].model_dump()),
            state["tally"],
            EarlyStopping.of_json(state["watch"]),
            state["metrics"],
            tensors[WEIGHTS],
            tensors.get(OPTIMIZER, Stored()),
            tensors.get(EMA_WEIGHTS, Stored()),
            losses,
            chains,
        )


def current_name(key: str, later: Sequence[Revised]) -> str:
    """The name of a stored tensor under the current spec, after the revisions `later`.

    The state of an optimizer has the name `<player>/<parameter>/<key>`.
    """
    before, middle, after = key.partition("/")
    name, _, what = after.partition("/")
    name = name if middle else before
    for revision in later:
        names = {old: new for new, old in revision["names"].items()}
        module = module_of(name)
        name = names.get(module, module) + name.removeprefix(module)
    return f"{before}/{name}/{what}" if middle else name


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    """A context in which any error means that the checkpoint is damaged: RunFailure E0803."""
    try:
        yield
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise _damaged(folder, str(error)) from error


def _damaged(folder: Path, problem: str) -> RunFailure:
    hint = "train again, or remove it to use the previous one"
    return RunFailure("E0803", f"the checkpoint {folder} is damaged: {problem}", hint=hint)
