"""Conversion between the units of the data and of the model, for standardized fields.

    model = (data - mean) / deviation        mean and deviation of the training rows, by entry
    log p(data) = log p(model) - sum log deviation

Other fields have the same values in both. The units of the data include the factor `scale`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.storage.loaded_run import LoadedRun
from specc.runtime.manifest import Field, Manifest

Units = Literal["data", "model"]


def standardized(loaded: LoadedRun) -> dict[str, tuple[Tensor, Tensor]]:
    """Mean and deviation of each standardized field, in the shape of a row, in float64."""
    if loaded.data is None:
        return {}
    return {
        name: _numbers(own, loaded.data.record[name])
        for name, own in loaded.manifest.fields.items()
        if own.standardize and name in loaded.data.record
    }


def _numbers(field: Field, found: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    mean, deviation = (
        torch.tensor(found[key], dtype=torch.float64).reshape(field.shape)
        for key in ("mean", "deviation")
    )
    return mean, deviation


def in_data_units(loaded: LoadedRun, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Values of nodes or fields, each [..., *shape], in the units of the data.

    Values of standardized fields are float64, so that a large mean loses no digits.
    """
    found = dict(values)
    for name, (mean, deviation) in standardized(loaded).items():
        if name in found:
            value = found[name].double()
            found[name] = value * deviation.to(value.device) + mean.to(value.device)
    return found


def in_model_units(loaded: LoadedRun, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of fields, converted from the units of the data to those of the model."""
    found = dict(values)
    for name, (mean, deviation) in standardized(loaded).items():
        if name in found:
            value = torch.as_tensor(found[name]).double()
            found[name] = (value - mean.to(value.device)) / deviation.to(value.device)
    return found


def log_scale(loaded: LoadedRun, batch: Batch) -> Tensor | float:
    """The sum of log deviation over the observed entries of each row: [rows], or one number.

    Missing entries have no density and are left out.
    """
    total: Tensor | float = 0.0
    for name, (_, deviation) in _observed(loaded).items():
        field = _field(loaded.manifest, name)
        logs = deviation.log()
        if field.missing is None or field.missing.known not in batch:
            total = total + logs.sum().item()
            continue
        known = batch[field.missing.known]
        wide = known.reshape(*known.shape, *[1] * (logs.ndim + 1 - known.ndim))
        total = total + (wide * logs.to(known.device)).reshape(len(known), -1).sum(1)
    return total


def scale_of(loaded: LoadedRun) -> float | None:
    """The sum of log deviation of a complete row; None if no observed field is standardized."""
    found = _observed(loaded).values()
    return sum(deviation.log().sum().item() for _, deviation in found) if found else None


def _observed(loaded: LoadedRun) -> dict[str, tuple[Tensor, Tensor]]:
    names = loaded.manifest.simulated()
    return {name: own for name, own in standardized(loaded).items() if name in names}


def _field(manifest: Manifest, name: str) -> Field:
    return manifest.fields[name]
