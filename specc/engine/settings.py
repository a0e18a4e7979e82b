"""The settings of training in the manifest: sizes, seed, optimizer, learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from specc.engine.optimizers import without_compiler
from specc.engine.schedule.early_stopping import Patience, patience_of
from specc.engine.schedule.learning_rate import Schedule, schedule_of
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.stages import Stage

OPTIMIZERS: Mapping[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta,
    "adamax": torch.optim.Adamax,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adafactor": torch.optim.Adafactor,
    "asgd": torch.optim.ASGD,
    "rprop": torch.optim.Rprop,
}
DTYPES = {"float32": torch.float32, "fast": torch.float32, "float64": torch.float64}

FUSED = frozenset({"adam", "adamw", "sgd", "adagrad"})
"""Optimizers that torch computes in one pass over a parameter, on the CPU too."""


@dataclass(frozen=True, slots=True)
class PlayerSettings:
    """The settings of one player: its optimizer, learning-rate schedule and clipping.

    `clip` is the largest norm of its gradient, `steps` the number of its updates in each step of
    the run (the critic of a Wasserstein GAN makes 5, Arjovsky et al. 2017, algorithm 1), and
    `clip_weights` the largest absolute value of a parameter after an update (the same).
    """

    optimizer: str
    options: Mapping[str, Any]
    schedule: Schedule = field(default_factory=Schedule)
    clip: float | None = None
    steps: int = 1
    clip_weights: float | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The `train:` section of a spec.

    Either `epochs` or `steps` is the length. `clip` is the largest norm of a gradient, `accumulate`
    the number of micro-batches of a batch, `ema` the decay of the moving average of the weights;
    `validate_every` counts epochs. `players` has the settings of single players by name, `stages`
    the epochs of single stages.
    """

    optimizer: str
    options: Mapping[str, Any]
    batch_size: int
    seed: int
    epochs: int | None = None
    steps: int | None = None
    schedule: Schedule = field(default_factory=Schedule)
    accumulate: int = 1
    ema: float | None = None
    patience: Patience | None = None
    clip: float | None = None
    validate_every: int | None = None
    threads: int | None = None
    auto_threads: bool = False
    precision: str = "float32"
    compile: str = "off"
    keep: int = 2
    players: Mapping[str, PlayerSettings] = field(default_factory=dict)
    stages: Mapping[str, int] = field(default_factory=dict)

    def of_stage(self, stage: Stage) -> Settings:
        """The settings of a stage: its length, and those of its own players."""
        if not stage.name:
            return self
        names = {loss.name for loss in stage.losses}
        own = {name: player for name, player in self.players.items() if name in names}
        if stage.name not in self.stages:
            return replace(self, players=own)
        return replace(self, players=own, epochs=self.stages[stage.name], steps=None)

    def player(self, name: str) -> PlayerSettings:
        """The settings of the player of that name, by default those of all players."""
        if name in self.players:
            return self.players[name]
        return PlayerSettings(self.optimizer, self.options, self.schedule, self.clip)

    @property
    def optimizers(self) -> frozenset[str]:
        """The names of all optimizers of the run."""
        return frozenset((self.optimizer, *(own.optimizer for own in self.players.values())))

    @property
    def plateau(self) -> int | None:
        """The patience of the plateau schedules, in validations; None if there are none."""
        schedules = (self.schedule, *(own.schedule for own in self.players.values()))
        return next((own.patience for own in schedules if own.kind == "plateau"), None)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of parameters and densities."""
        return DTYPES[self.precision]

    @property
    def numpy_dtype(self) -> np.dtype[np.generic]:
        """The dtype of parameters and densities in numpy."""
        return np.dtype(str(self.dtype).removeprefix("torch."))

    @property
    def needs_validation(self) -> bool:
        """Whether early stopping or a schedule depends on the validation loss."""
        return self.patience is not None or self.plateau is not None

    @property
    def validates_every(self) -> int:
        """The number of epochs between two validations; 0 if there are none."""
        return self.validate_every or (1 if self.needs_validation else 0)

    def length(self, rows: int) -> tuple[int, int]:
        """The steps of an epoch and of the run, on `rows` training rows."""
        per_epoch = -(-rows // self.batch_size)
        return per_epoch, self.total(per_epoch)

    def total(self, per_epoch: int) -> int:
        """The steps of the run, with `per_epoch` in an epoch."""
        return self.steps or (self.epochs or 1) * per_epoch


def settings_of(train: Mapping[str, Any]) -> Settings:
    """The settings in a manifest's `train`.

    Raises RunFailure: E0808, if a key is missing or the optimizer is unknown.
    """
    try:
        every = _player(train)
        found = Settings(
            optimizer=every.optimizer,
            options=every.options,
            batch_size=int(train["batch_size"]),
            seed=int(train.get("seed", 0)),
            epochs=_optional_int(train, "epochs"),
            steps=_optional_int(train, "steps"),
            schedule=every.schedule,
            accumulate=_optional_int(train, "accumulate") or 1,
            ema=None if train.get("ema") is None else float(train["ema"]),
            patience=patience_of(train.get("early_stopping")),
            clip=every.clip,
            validate_every=_optional_int(train, "validate_every"),
            threads=None if train.get("threads") == "auto" else _optional_int(train, "threads"),
            auto_threads=train.get("threads") == "auto",
            precision=str(train.get("precision", "float32")),
            compile=str(train.get("compile", "off")),
            keep=_optional_int(train, "keep") or 2,
            players=_players(train),
            stages={n: int(own["epochs"]) for n, own in dict(train.get("stages") or {}).items()},
        )
        found.dtype  # noqa: B018 - an unknown precision is a KeyError here
    except (KeyError, TypeError, ValueError) as error:
        message = f"the manifest's `train` cannot be read: {type(error).__name__} {error}"
        hint = "compile the spec again, with `specc compile`"
        raise RunFailure("E0808", message, hint=hint) from error
    length = found.steps or found.epochs or 0
    counts = (found.batch_size, length, *(own.steps for own in found.players.values()))
    counts += tuple(found.stages.values())
    if not found.optimizers <= set(OPTIMIZERS) or min(counts) < 1:
        message = f"the manifest's `train` is wrong: {dict(train)}"
        raise RunFailure("E0808", message, hint=f"optimizers are {', '.join(OPTIMIZERS)}")
    return found


def _player(train: Mapping[str, Any]) -> PlayerSettings:
    ((optimizer, options),) = dict(train["optimizer"]).items()
    return PlayerSettings(
        optimizer=optimizer,
        options=dict(options or {}),
        schedule=schedule_of(train.get("schedule") or ()),
        clip=None if train.get("clip") is None else float(train["clip"]),
    )


def _players(train: Mapping[str, Any]) -> dict[str, PlayerSettings]:
    """The settings of players by name; the defaults are the settings of all players.

    Raises ValueError if two plateau schedules have different patience.
    """
    found = {}
    for name, stated in dict(train.get("players") or {}).items():
        given = {key: value for key, value in stated.items() if value is not None}
        steps = _optional_int(given, "steps")
        own = _player({**train, **given})
        limit = given.get("clip_weights")
        found[name] = replace(
            own,
            steps=1 if steps is None else steps,
            clip_weights=None if limit is None else float(limit),
        )
    schedules = [_player(train).schedule, *(own.schedule for own in found.values())]
    if len({own.patience for own in schedules if own.kind == "plateau"}) > 1:
        raise ValueError("the plateau schedules of players have more than one patience")
    return found


def _optional_int(train: Mapping[str, Any], key: str) -> int | None:
    return None if train.get(key) is None else int(train[key])


def optimizer_for(
    settings: PlayerSettings, parameters: Iterable[Tensor], device: torch.device
) -> torch.optim.Optimizer:
    """The optimizer, in its fused form if torch has one.

    Raises RunFailure: E0808, if the optimizer does not accept one of the options.
    """
    options: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in settings.options.items()
    }
    fast: dict[str, Any] = {"fused": True} if settings.optimizer in FUSED else {"foreach": True}
    if device.type not in ("cpu", "cuda"):
        fast = {}
    try:
        with without_compiler():
            return OPTIMIZERS[settings.optimizer](list(parameters), **options, **fast)
    except (TypeError, ValueError) as error:
        message = f"the optimizer `{settings.optimizer}` refuses its options {options}: {error}"
        raise RunFailure("E0808", message, exit_code=USAGE) from error
