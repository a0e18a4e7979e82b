"""A field of the model out of a column of the source: compact in memory, transformed by batch.

    value = raw * factor * scale,   then   standardize   or   binarize,   shape,   dtype

A label is taken as it is to `one_hot`, and a list of numbers to `many_hot`. What the transforms are
is fixed when the data is loaded; `Resident.batch` only applies them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from specc.data import binarize
from specc.data.mapped import Mapped
from specc.runtime.manifest import Field
from specc.runtime.noise import Noise

FLOATS = ("float16", "bfloat16", "float32", "float64")


@dataclass(frozen=True, slots=True)
class Standard:
    """What `standardize` takes out of a row: (value - mean) / deviation, entry by entry."""

    mean: Tensor
    deviation: Tensor

    def to(self, device: torch.device) -> Standard:
        """The same numbers, on the device."""
        return Standard(self.mean.to(device), self.deviation.to(device))


@dataclass(frozen=True, slots=True)
class Resident:
    """The rows of one field, in memory as the file has them, or still in the file.

    `raw` is [rows, *column shape]; `factor` takes a raw value to the field's value, before it is
    standardized or binarized. Where a value may be missing, `known` says which are there; `fill` is
    what is shown in place of the others, [*shape] or one number.
    """

    field: Field
    raw: Tensor | Mapped
    factor: float
    dtype: torch.dtype
    standard: Standard | None = None
    known: Tensor | None = None
    fill: Tensor | None = None
    hides: bool = False

    def __len__(self) -> int:
        return len(self.raw)

    def to(self, device: torch.device) -> Resident:
        """The same rows, on the device; what is in a file stays there."""
        raw = self.raw if isinstance(self.raw, Mapped) else self.raw.to(device)
        known = None if self.known is None else self.known.to(device)
        fill = None if self.fill is None else self.fill.to(device)
        standard = self.standard and self.standard.to(device)
        return replace(self, raw=raw, standard=standard, known=known, fill=fill)

    def batch(self, index: Tensor | slice, noise: Noise) -> Tensor:
        """The values of the rows at `index`: [batch, *shape].

        `binarize: sample` draws each value anew, from `noise`.
        """
        values = shaped(self.transformed(self._rows(index, noise), noise), self.field)
        if self.known is None or self.fill is None:
            return values
        known = self.there(index)
        more = values.ndim - known.ndim
        return torch.where(known.reshape(*known.shape, *[1] * more), values, self.fill)

    def revealed(self) -> Resident:
        """The same rows with what is hidden in them."""
        return replace(self, known=None) if self.hides else self

    def there(self, index: Tensor | slice) -> Tensor:
        """Where the rows at `index` have a value: [batch, *mask]."""
        assert self.known is not None
        return self.known[index] if isinstance(index, slice) else self.known.index_select(0, index)

    def _rows(self, index: Tensor | slice, noise: Noise) -> Tensor:
        if isinstance(self.raw, Mapped):
            return self.raw.rows(index, noise.generator.device)
        return self.raw[index] if isinstance(index, slice) else self.raw.index_select(0, index)

    def transformed(self, raw: Tensor, noise: Noise) -> Tensor:
        """The values of raw rows, in the field's dtype."""
        if self.field.one_hot is not None:
            return _one_hot(raw, self.field.one_hot, self.dtype)
        if self.field.many_hot is not None:
            return _many_hot(raw, *self.field.many_hot, self.dtype)
        if self.field.binarize == "sample":
            return binarize.draw(raw, self.factor, noise, self.dtype)
        if self.field.binarize == "threshold":
            return raw.gt(0.5 / self.factor).to(self.dtype)
        if self.standard is not None:
            values = raw.to(self.standard.mean.dtype) * self.factor - self.standard.mean
            return (values / self.standard.deviation).to(self.dtype)
        values = raw.to(self.dtype)
        return values if self.factor == 1.0 else values * self.factor


def shaped(values: Tensor, field: Field) -> Tensor:
    """The rows of `values` in the shape that the model expects."""
    return values.reshape(len(values), *field.shape)


def dtype_of(field: Field, precision: torch.dtype) -> torch.dtype:
    """The dtype of a field: integers as the manifest says, other numbers as the run computes."""
    if field.dtype in FLOATS:
        return precision
    found: torch.dtype = getattr(torch, field.dtype)
    return found


def _one_hot(raw: Tensor, classes: int, dtype: torch.dtype) -> Tensor:
    index = raw.long().reshape(len(raw), -1)
    result = torch.zeros(*index.shape, classes, dtype=dtype, device=raw.device)
    return result.scatter_(-1, index.unsqueeze(-1), 1.0)


def _many_hot(raw: Tensor, first: int, size: int, dtype: torch.dtype) -> Tensor:
    """1 at each number of the last axis, counted from `first`; -1 goes to an entry that is cut."""
    index = raw.long()
    index = torch.where(index < 0, size, index - first)
    result = torch.zeros(*index.shape[:-1], size + 1, dtype=dtype, device=raw.device)
    return result.scatter_(-1, index, 1.0)[..., :size]
