"""How a program is trained, as the manifest says it: sizes, seed, optimizer, learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from specc.engine.rates import Course, course_of
from specc.engine.watch import Patience, patience_of
from specc.runtime.failure import USAGE, RunFailure

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
"""Those that torch computes in one pass over a parameter, on the CPU too."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The `train:` section of a spec.

    Either `epochs` or `steps` says how long. `clip` is the largest norm of a gradient, `accumulate`
    the pieces in which a batch is computed, `ema` what a step keeps of the running mean of the
    weights; `validate_every` counts epochs.
    """

    optimizer: str
    options: Mapping[str, Any]
    batch_size: int
    seed: int
    epochs: int | None = None
    steps: int | None = None
    course: Course = field(default_factory=Course)
    accumulate: int = 1
    ema: float | None = None
    patience: Patience | None = None
    clip: float | None = None
    validate_every: int | None = None
    threads: int | None = None
    precision: str = "float32"
    compile: str = "off"
    keep: int = 2

    @property
    def dtype(self) -> torch.dtype:
        """The type of parameters and densities."""
        return DTYPES[self.precision]

    @property
    def watches(self) -> bool:
        """Whether something depends on the loss of held-out rows."""
        return self.patience is not None or self.course.kind == "plateau"

    @property
    def validates_every(self) -> int:
        """The epochs between two measurements of held-out rows; 0 where there are none."""
        return self.validate_every or (1 if self.watches else 0)

    def length(self, rows: int) -> tuple[int, int]:
        """Steps an epoch, and steps of the whole run, on so many training rows."""
        per_epoch = -(-rows // self.batch_size)
        return per_epoch, self.steps or (self.epochs or 1) * per_epoch


def settings_of(train: Mapping[str, Any]) -> Settings:
    """The settings in a manifest's `train`.

    Raises RunFailure: E0808, where they lack a key or name no optimizer.
    """
    try:
        ((optimizer, options),) = dict(train["optimizer"]).items()
        found = Settings(
            optimizer=optimizer,
            options=dict(options or {}),
            batch_size=int(train["batch_size"]),
            seed=int(train.get("seed", 0)),
            epochs=_whole(train, "epochs"),
            steps=_whole(train, "steps"),
            course=course_of(train.get("schedule") or ()),
            accumulate=_whole(train, "accumulate") or 1,
            ema=None if train.get("ema") is None else float(train["ema"]),
            patience=patience_of(train.get("early_stopping")),
            clip=None if train.get("clip") is None else float(train["clip"]),
            validate_every=_whole(train, "validate_every"),
            threads=_whole(train, "threads"),
            precision=str(train.get("precision", "float32")),
            compile=str(train.get("compile", "off")),
            keep=_whole(train, "keep") or 2,
        )
        found.dtype  # noqa: B018 - an unknown precision is a KeyError here
    except (KeyError, TypeError, ValueError) as error:
        message = f"the manifest's `train` cannot be read: {type(error).__name__} {error}"
        hint = "compile the spec again, with `specc compile`"
        raise RunFailure("E0808", message, hint=hint) from error
    length = found.steps or found.epochs or 0
    if found.optimizer not in OPTIMIZERS or min(found.batch_size, length) < 1:
        message = f"the manifest's `train` is wrong: {dict(train)}"
        raise RunFailure("E0808", message, hint=f"optimizers are {', '.join(OPTIMIZERS)}")
    return found


def _whole(train: Mapping[str, Any], key: str) -> int | None:
    return None if train.get(key) is None else int(train[key])


def optimizer_for(
    settings: Settings, parameters: Iterable[Tensor], device: torch.device
) -> torch.optim.Optimizer:
    """The optimizer, in its fused form where torch has one.

    Raises RunFailure: E0808, where it does not take one of the options.
    """
    options: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in settings.options.items()
    }
    fast: dict[str, Any] = {"fused": True} if settings.optimizer in FUSED else {"foreach": True}
    if device.type not in ("cpu", "cuda"):
        fast = {}
    try:
        return OPTIMIZERS[settings.optimizer](list(parameters), **options, **fast)
    except (TypeError, ValueError) as error:
        message = f"the optimizer `{settings.optimizer}` refuses its options {options}: {error}"
        raise RunFailure("E0808", message, exit_code=USAGE) from error
