"""A field of the model: raw values of a column, transformed batch by batch.

    value = raw * factor * scale,   then base, clip, log or logit,   then standardize or binarize,
            shape,   dtype

`one_hot` applies to a raw label, and `many_hot` to a raw list of numbers. Loading the data fixes
the transformations; `FieldRows.batch` applies them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from specc.data import binarize
from specc.data.elementwise import transformed
from specc.data.memory_mapped import MemoryMapped
from specc.runtime.fields import Field
from specc.runtime.noise import Noise

FLOATS = ("float16", "bfloat16", "float32", "float64")


@dataclass(frozen=True, slots=True)
class Standardization:
    """The transformation of `standardize`: (value - mean) / deviation, entry by entry."""

    mean: Tensor
    deviation: Tensor

    def to(self, device: torch.device) -> Standardization:
        """The same numbers, on the device."""
        return Standardization(self.mean.to(device), self.deviation.to(device))


@dataclass(frozen=True, slots=True)
class FieldRows:
    """The rows of one field, in memory with the dtype of the file, or memory-mapped.

    Attributes:
        field: The field.
        raw: The raw values, [rows, *column shape].
        factor: The factor of raw values, before they are standardized or binarized.
        dtype: The dtype in a batch.
        standard: The mean and deviation of a standardized field.
        known: The mask of values, if some may be missing.
        fill: The values in place of missing ones, [*shape] or one number.
        hides: Whether missing values are known and hidden for an experiment.
        is_final: Whether `raw` has the values of the model already.
        classes: The texts of the numbers 0, 1, ... of a label in the data.

    """

    field: Field
    raw: Tensor | MemoryMapped
    factor: float
    dtype: torch.dtype
    standard: Standardization | None = None
    known: Tensor | None = None
    fill: Tensor | None = None
    hides: bool = False
    is_final: bool = False
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.raw)

    def to(self, device: torch.device) -> FieldRows:
        """The same rows, on the device; memory-mapped rows stay in their file."""
        raw = self.raw if isinstance(self.raw, MemoryMapped) else self.raw.to(device)
        known = None if self.known is None else self.known.to(device)
        fill = None if self.fill is None else self.fill.to(device)
        standard = self.standard and self.standard.to(device)
        return replace(self, raw=raw, standard=standard, known=known, fill=fill)

    def batch(self, index: Tensor | slice, noise: Noise) -> Tensor:
        """The values of the rows at `index`: [batch, *shape].

        `binarize: sample` draws each value from `noise`.
        """
        values = shaped(self.transformed(self._rows(index, noise), noise), self.field)
        if self.known is None or self.fill is None:
            return values
        known = self.there(index)
        more = values.ndim - known.ndim
        return torch.where(known.reshape(*known.shape, *[1] * more), values, self.fill)

    def revealed(self) -> FieldRows:
        """The same rows with their hidden values."""
        return replace(self, known=None) if self.hides else self

    def there(self, index: Tensor | slice) -> Tensor:
        """The mask of known values of the rows at `index`, [batch, *mask]."""
        assert self.known is not None
        return self.known[index] if isinstance(index, slice) else self.known.index_select(0, index)

    def _rows(self, index: Tensor | slice, noise: Noise) -> Tensor:
        if isinstance(self.raw, MemoryMapped):
            return self.raw.rows(index, noise.generator.device)
        return self.raw[index] if isinstance(index, slice) else self.raw.index_select(0, index)

    def transformed(self, raw: Tensor, noise: Noise) -> Tensor:
        """The values of raw rows, in the field's dtype."""
        if self.is_final:
            return raw.to(self.dtype)
        if self.field.one_hot is not None:
            return _one_hot(raw, self.field, self.field.one_hot, self.dtype)
        if self.field.many_hot is not None:
            return _many_hot(raw, *self.field.many_hot, self.dtype)
        if self.field.binarize == "sample":
            return binarize.draw(raw, self.factor, noise, self.dtype)
        if self.field.binarize == "threshold":
            return raw.gt(0.5 / self.factor).to(self.dtype)
        if self.standard is not None:
            values = raw.to(self.standard.mean.dtype) * self.factor
            own: Tensor = transformed(self.field, values, torch)
            return ((own - self.standard.mean) / self.standard.deviation).to(self.dtype)
        values = raw.to(self.dtype)
        values = values if self.factor == 1.0 else values * self.factor
        found: Tensor = transformed(self.field, values, torch)
        return found


def shaped(values: Tensor, field: Field) -> Tensor:
    """The rows of `values` in the shape that the model expects."""
    return values.reshape(len(values), *field.shape)


def dtype_of(field: Field, precision: torch.dtype) -> torch.dtype:
    """The dtype of a field: that of the manifest for integers, else the precision of the run."""
    if field.dtype in FLOATS:
        return precision
    found: torch.dtype = getattr(torch, field.dtype)
    return found


def _one_hot(raw: Tensor, field: Field, classes: int, dtype: torch.dtype) -> Tensor:
    index = (raw.long() - field.base).reshape(len(raw), -1)
    result = torch.zeros(*index.shape, classes, dtype=dtype, device=raw.device)
    return result.scatter_(-1, index.unsqueeze(-1), 1.0)


def _many_hot(raw: Tensor, first: int, size: int, dtype: torch.dtype) -> Tensor:
    """A vector with 1 at each number of the last axis, counted from `first`; -1 is ignored."""
    index = raw.long()
    index = torch.where(index < 0, size, index - first)
    result = torch.zeros(*index.shape[:-1], size + 1, dtype=dtype, device=raw.device)
    return result.scatter_(-1, index, 1.0)[..., :size]
