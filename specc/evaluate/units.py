"""The units of the data, and those of the model, where a field is standardized.

    model = (data - mean) / deviation        mean and deviation of the training rows, by entry
    log p(data) = log p(model) - sum log deviation

A field that is not standardized has the same values in both. `scale` is a part of the data's units.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from specc.data.load import Batch
from specc.engine.opened import OpenRun
from specc.runtime.manifest import Field, Manifest

Units = Literal["data", "model"]


def standardized(opened: OpenRun) -> dict[str, tuple[Tensor, Tensor]]:
    """Mean and deviation of each standardized field, in the shape of a row, in float64."""
    data = opened.manifest.data
    if data is None or opened.data is None:
        return {}
    return {
        name: _numbers(own, opened.data.record[name])
        for name, own in data.fields.items()
        if own.standardize and name in opened.data.record
    }


def _numbers(field: Field, found: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    mean, deviation = (
        torch.tensor(found[key], dtype=torch.float64).reshape(field.shape)
        for key in ("mean", "deviation")
    )
    return mean, deviation


def in_data_units(opened: OpenRun, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Values of nodes or fields, each [..., *shape], in the units of the data.

    Those of standardized fields are in float64, so that a large mean costs no digits.
    """
    found = dict(values)
    for name, (mean, deviation) in standardized(opened).items():
        if name in found:
            value = found[name].double()
            found[name] = value * deviation.to(value.device) + mean.to(value.device)
    return found


def in_model_units(opened: OpenRun, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of fields in the units of the data, as the model takes them."""
    found = dict(values)
    for name, (mean, deviation) in standardized(opened).items():
        if name in found:
            value = torch.as_tensor(found[name]).double()
            found[name] = (value - mean.to(value.device)) / deviation.to(value.device)
    return found


def log_scale(opened: OpenRun, batch: Batch) -> Tensor | float:
    """sum log deviation of the observed entries of each row, [rows] or one number for all.

    Entries without a value have no density, and no part in it.
    """
    total: Tensor | float = 0.0
    for name, (_, deviation) in _observed(opened).items():
        field = _field(opened.manifest, name)
        logs = deviation.log()
        if field.missing is None or field.missing.known not in batch:
            total = total + logs.sum().item()
            continue
        known = batch[field.missing.known]
        wide = known.reshape(*known.shape, *[1] * (logs.ndim + 1 - known.ndim))
        total = total + (wide * logs.to(known.device)).reshape(len(known), -1).sum(1)
    return total


def scale_of(opened: OpenRun) -> float | None:
    """sum log deviation of a row with every value; None where no observed field is standardized."""
    found = _observed(opened).values()
    return sum(deviation.log().sum().item() for _, deviation in found) if found else None


def _observed(opened: OpenRun) -> dict[str, tuple[Tensor, Tensor]]:
    names = opened.manifest.observed()
    return {name: own for name, own in standardized(opened).items() if name in names}


def _field(manifest: Manifest, name: str) -> Field:
    assert manifest.data is not None
    return manifest.data.fields[name]
