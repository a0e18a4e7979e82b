"""The paths of `--set`, for suggestions and completion."""

from __future__ import annotations

from specc.language.schema.train import TrainSpec


def setting_keys() -> list[str]:
    """The paths of all values of `train:`, which exist in every spec."""
    return [f"train.{name}" for name in TrainSpec.model_fields]


def keys_ending_in(name: str) -> list[str]:
    """The paths that end in `name`."""
    return [path for path in setting_keys() if path.rpartition(".")[2] == name]
