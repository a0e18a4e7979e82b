"""How a program is trained, as the manifest says it: sizes, seed, optimizer, learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

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
}
FUSED = frozenset({"adam", "adamw", "sgd", "adagrad"})
"""Those that torch computes in one pass over a parameter, on the CPU too."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The `train:` section of a spec.

    `schedule` is a sequence of (fraction of all steps, learning rate): from that step on, the rate
    holds until the next entry.
    """

    optimizer: str
    options: Mapping[str, Any]
    batch_size: int
    epochs: int
    seed: int
    schedule: tuple[tuple[float, float], ...] = ()

    def rate(self, step: int, steps: int) -> float | None:
        """The learning rate at `step` of `steps`; None before the schedule's first entry."""
        passed = [rate for at, rate in self.schedule if at * steps <= step]
        return passed[-1] if passed else None


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
            epochs=int(train["epochs"]),
            seed=int(train.get("seed", 0)),
            schedule=tuple(
                (float(entry["at"]), float(entry["lr"])) for entry in train.get("schedule") or ()
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        message = f"the manifest's `train` cannot be read: {type(error).__name__} {error}"
        hint = "compile the spec again, with `specc compile`"
        raise RunFailure("E0808", message, hint=hint) from error
    if found.optimizer not in OPTIMIZERS or min(found.batch_size, found.epochs) < 1:
        message = f"the manifest's `train` is wrong: {dict(train)}"
        raise RunFailure("E0808", message, hint=f"optimizers are {', '.join(OPTIMIZERS)}")
    return found


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
