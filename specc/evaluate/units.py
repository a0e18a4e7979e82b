"""Conversion between the units of the data and of the model, for fields that are transformed.

    model = (g(data) - mean) / deviation      g: the logarithm, the logit, or the same number
    model = data - base                       for labels
    log p(data) = log p(model) - sum log |d data / d model|

    log:    data = exp(v),                        log |d data / dv| = v
    logit:  data = (sigmoid(v) - a) / (1 - 2 a),  log |d data / dv| = log sigmoid(v)
                                                                + log sigmoid(-v) - log(1 - 2 a)

with v = mean + deviation * model, and the mean and the deviation of the training rows, by entry.
Other fields have the same values in both. The units of the data include the factor `scale`.
Dinh, Sohl-Dickstein and Bengio (2017, section 4.1) take the logit with a = 0.05.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from specc.data.categories import recorded
from specc.data.elementwise import transformed
from specc.data.load import Batch
from specc.data.split import TRAIN
from specc.engine.storage.loaded_run import LoadedRun
from specc.runtime.fields import Field

Units = Literal["data", "model"]


@dataclass(frozen=True, slots=True)
class Conversion:
    """The conversion of the values of one field, [..., *shape], in float64.

    `mean` and `deviation` are those of standardized values, in the shape of a row, or 0 and 1.
    """

    field: Field
    mean: Tensor
    deviation: Tensor

    @property
    def is_linear(self) -> bool:
        """Whether a mean of values is converted to the mean of converted values."""
        return not self.field.log and self.field.logit is None

    def to_model(self, value: Tensor) -> Tensor:
        """The values of the model from those in the units of the data."""
        if self.field.base:
            return value - self.field.base
        own: Tensor = transformed(self.field, value.double(), torch)
        return (own - self.mean.to(own.device)) / self.deviation.to(own.device)

    def to_data(self, value: Tensor) -> Tensor:
        """The values in the units of the data from those of the model."""
        if self.field.base:
            return value + self.field.base
        v = self._before_standardizing(value)
        if self.field.log:
            return v.exp()
        a = self.field.logit
        return v if a is None else (v.sigmoid() - a) / (1.0 - 2.0 * a)

    def log_det(self, value: Tensor) -> Tensor:
        """Log |d data / d model| of each entry, at values of the model: [..., *shape]."""
        v = self._before_standardizing(value)
        own = self.deviation.log().to(v.device).expand_as(v)
        if self.field.log:
            return own + v
        a = self.field.logit
        if a is None:
            return own
        return own + logsigmoid(v) + logsigmoid(-v) - math.log1p(-2.0 * a)

    def _before_standardizing(self, value: Tensor) -> Tensor:
        own = value.double()
        return own * self.deviation.to(own.device) + self.mean.to(own.device)


def conversions(loaded: LoadedRun) -> dict[str, Conversion]:
    """The conversions of the fields whose units differ from those of the model."""
    if loaded.data is None:
        return {}
    found = {}
    for name, field in loaded.manifest.fields.items():
        if field.standardize and name in loaded.data.record:
            found[name] = Conversion(field, *_numbers(field, loaded.data.record[name]))
        elif field.log or field.logit is not None or (field.base and field.one_hot is None):
            like = torch.zeros(field.shape, dtype=torch.float64)
            found[name] = Conversion(field, like, like + 1.0)
    return found


def _numbers(field: Field, found: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    mean, deviation = (
        torch.tensor(found[key], dtype=torch.float64).reshape(field.shape)
        for key in ("mean", "deviation")
    )
    return mean, deviation


def in_data_units(loaded: LoadedRun, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Values of nodes or fields, each [..., *shape], in the units of the data.

    Values of transformed fields are float64, so that a large mean loses no digits.
    """
    found = dict(values)
    for name, own in conversions(loaded).items():
        if name in found:
            found[name] = own.to_data(found[name])
    return found


def in_model_units(loaded: LoadedRun, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of fields, converted from the units of the data to those of the model."""
    found = dict(values)
    for name, own in conversions(loaded).items():
        if name in found:
            found[name] = own.to_model(torch.as_tensor(found[name]))
    return found


def log_scale(loaded: LoadedRun, batch: Batch) -> Tensor | float:
    """The sum of log |d data / d model| over the observed entries of each row: [rows], or 0.

    Missing entries have no density and are left out.
    """
    total: Tensor | float = 0.0
    for name, own in _observed(loaded).items():
        logs, missing = own.log_det(batch[name]), own.field.missing
        if missing is not None and missing.known in batch:
            known = batch[missing.known]
            logs = logs * known.reshape(*known.shape, *[1] * (logs.ndim - known.ndim))
        total = total + logs.reshape(len(logs), -1).sum(1)
    return total


def converts(loaded: LoadedRun) -> bool:
    """Whether an observed field has other units than the model."""
    return bool(_observed(loaded))


def _observed(loaded: LoadedRun) -> dict[str, Conversion]:
    names, every = loaded.manifest.simulated(), conversions(loaded).items()
    return {name: own for name, own in every if name in names and not own.field.base}


def class_names(loaded: LoadedRun) -> dict[str, tuple[str, ...]]:
    """The labels in the data of the classes of each field that has them, in the order of the model.

    They are the texts of categories or of the source's classes; one-hot vectors of numbers have the
    digits of these.
    """
    if loaded.data is None:
        return {}
    fields = loaded.manifest.fields
    rows = [own.parts[TRAIN].fields for own in loaded.data.sources]
    texts = {name: own.classes for part in rows for name, own in part.items() if own.classes}
    found = {**texts, **recorded(fields, loaded.data.record)}
    for name, field in fields.items():
        own = found.get(name, ())
        if field.one_hot is not None:
            numbers = range(field.base, field.base + field.one_hot)
            found[name] = tuple(own[n] if n < len(own) else str(n) for n in numbers)
        elif own and field.base:
            found[name] = own[field.base :]
    return found


def with_names(
    loaded: LoadedRun, arrays: Mapping[str, npt.NDArray[Any]], *, of_vectors: bool = False
) -> dict[str, npt.NDArray[Any]]:
    """Arrays by name in the units of the data, with labels in place of the numbers of classes.

    One-hot vectors, [rows, classes], stay vectors unless labels `of_vectors` are wanted.
    """
    found, fields = dict(arrays), loaded.manifest.fields
    for name, texts in class_names(loaded).items():
        field, own = fields[name], found.get(name)
        if own is None or (own.ndim > 1 and field.one_hot is not None and not of_vectors):
            continue
        if field.one_hot is not None and own.ndim > 1:
            if own.shape[1:] != (field.one_hot,):
                continue
            own = own.argmax(-1)
        elif field.base and field.one_hot is None:
            own = own - field.base
        are_numbers = field.one_hot is not None and all(text.isdecimal() for text in texts)
        numbers = own.astype(np.int64)
        # A model may have more classes than there are texts.
        labels = (*texts, *map(str, range(len(texts), numbers.max(initial=-1) + 1)))
        found[name] = np.array([int(t) for t in labels] if are_numbers else labels)[numbers]
    return found


def labels_of(loaded: LoadedRun, name: str, classes: range) -> tuple[str, ...]:
    """The labels in the data of the classes of a field, or their numbers there."""
    texts, field = class_names(loaded).get(name, ()), loaded.manifest.fields[name]
    base = field.base if field.one_hot is None else 0
    return tuple(texts[n] if 0 <= n < len(texts) else str(n + base) for n in classes)
