"""Memory-mapped rows: each batch reads its rows from the file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from specc.data.table import Array, Column


@dataclass(frozen=True, slots=True)
class MemoryMapped:
    """The rows of a memory-mapped column, which may be larger than the memory."""

    column: Column

    def __len__(self) -> int:
        return len(self.column)

    def rows(self, index: Tensor | slice, device: torch.device) -> Tensor:
        """The raw rows at `index`, on the device."""
        if isinstance(index, slice):
            start, stop, _ = index.indices(len(self))
            raw = self.column.rows(start, stop)
        else:
            raw = self.column.take(index.cpu().numpy()).rows(0, len(index))
        return tensor(np.array(raw)).to(device)


def tensor(raw: Array) -> Tensor:
    """The array as a tensor of a type that torch computes with."""
    if raw.dtype.kind == "u" and raw.dtype.itemsize > 1:
        # Torch supports few operations on unsigned integers; a wider signed dtype holds them.
        large = raw.dtype.itemsize == 8 and raw.size and raw.max() > np.iinfo(np.int64).max
        raw = raw.astype(np.float64 if large else np.int32 if raw.dtype.itemsize == 2 else np.int64)
    elif raw.dtype.kind == "f" and raw.dtype.itemsize > 8:
        raw = raw.astype(np.float64)
    elif not raw.dtype.isnative:
        raw = raw.astype(raw.dtype.newbyteorder("="))
    return torch.from_numpy(np.require(raw, requirements=["C", "W"]))
