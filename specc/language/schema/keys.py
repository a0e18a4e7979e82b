"""The paths that `--set` takes, for the verbs that suggest and complete them."""

from __future__ import annotations

from specc.language.schema.train import TrainSpec


def setting_keys() -> list[str]:
    """The path of every value of `train:`, which a spec need not mention to have."""
    return [f"train.{name}" for name in TrainSpec.model_fields]


def keys_ending_in(name: str) -> list[str]:
    """The paths whose last part is `name`."""
    return [path for path in setting_keys() if path.rpartition(".")[2] == name]
