"""A safetensors file that several processes write and read, each its rows.

The two classes are storages of `torch.distributed.checkpoint`, which assigns rows to processes and
makes all processes fail if one does. The file is byte for byte the one that `safetensors` writes: a
header of names, types, shapes and offsets, then the values. The rows of a tensor are contiguous, so
each process writes its rows at their offset, and no process needs all of them.

Torch's writer of safetensors files merges shards afterwards, and writes scalars as zero.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.checkpoint.metadata import (
    ChunkStorageMetadata,
    Metadata,
    TensorProperties,
    TensorStorageMetadata,
)
from torch.distributed.checkpoint.planner import (
    LoadPlan,
    LoadPlanner,
    SavePlan,
    SavePlanner,
    TensorWriteData,
    WriteItem,
)
from torch.distributed.checkpoint.storage import StorageReader, StorageWriter, WriteResult
from torch.futures import Future

from specc.engine.storage.replicated import TYPES, Stored


class Writer(StorageWriter):
    """Writes the tensors of all processes to a new file; each process writes its rows."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare_global_plan(self, plans: list[SavePlan]) -> list[SavePlan]:
        """In the process of rank 0: creates the file and plans the offset of each tensor."""
        items = [item for plan in plans for item in plan.items]
        header, places = layout({item.index.fqn: _data_of(item) for item in items})
        with self.path.open("xb") as file:
            file.write(header)
        return [replace(plan, storage_data=places) for plan in plans]

    def write_data(self, plan: SavePlan, planner: SavePlanner) -> Future[list[WriteResult]]:
        """Writes this process's rows."""
        written = []
        with self.path.open("r+b") as file:
            for item in plan.items:
                rows = planner.resolve_data(item)
                assert isinstance(rows, Tensor)
                data = _bytes_of(rows)
                file.seek(plan.storage_data[item.index.fqn] + _skipped(_data_of(item)))
                file.write(data)
                written.append(WriteResult(item.index, len(data), None))
        return _done(written)

    def reset(self, checkpoint_id: object = None) -> None:
        """Does nothing: a writer is for one file and used once."""

    def set_up_storage_writer(self, is_coordinator: bool, *args: object, **others: object) -> None:
        """Does nothing: there is nothing to prepare."""

    def prepare_local_plan(self, plan: SavePlan) -> SavePlan:
        """The plan, unchanged."""
        return plan

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        """Does nothing: the header has all metadata."""

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: object) -> bool:
        """False: a writer is constructed for its file."""
        return False


class Reader(StorageReader):
    """Reads the rows of tensors that each process needs, and no others."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored

    def read_metadata(self, *args: object, **others: object) -> Metadata:
        """Every tensor is one chunk; its dtype is that of the target."""
        found = {}
        for name in self.stored:
            shape = self.stored.shape(name)
            chunk = ChunkStorageMetadata(offsets=torch.Size([0] * len(shape)), sizes=shape)
            found[name] = TensorStorageMetadata(TensorProperties(), shape, [chunk])
        return Metadata(state_dict_metadata=dict(found))

    def read_data(self, plan: LoadPlan, planner: LoadPlanner) -> Future[None]:
        """Reads this process's rows into place."""
        for item in plan.items:
            name, target = item.storage_index.fqn, planner.resolve_tensor(item)
            if item.lengths:
                rows = self.stored.rows(name, item.storage_offsets[0], item.lengths[0])
            else:
                rows = self.stored[name]
            target.detach().copy_(rows)
            planner.commit_tensor(item, target)
        return _done(None)

    def reset(self, checkpoint_id: object = None) -> None:
        """Does nothing: a reader is for the files that it was constructed with."""

    def set_up_storage_reader(
        self, metadata: Metadata, is_coordinator: bool, *args: object, **others: object
    ) -> None:
        """Does nothing: the files are open already."""

    def prepare_local_plan(self, plan: LoadPlan) -> LoadPlan:
        """The plan, unchanged."""
        return plan

    def prepare_global_plan(self, plans: list[LoadPlan]) -> list[LoadPlan]:
        """The plans, unchanged: no process reads for another."""
        return plans

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: object) -> bool:
        """False: a reader is constructed for its files."""
        return False


def layout(tensors: Mapping[str, TensorWriteData]) -> tuple[bytes, dict[str, int]]:
    """The header of a file of these tensors, and the offset of each in the file.

    The header is that of `safetensors`, byte for byte: the widest types first, then by name.
    """
    widths = {name: data.properties.dtype.itemsize for name, data in tensors.items()}
    entries: dict[str, Any] = {}
    end = 0
    for name in sorted(tensors, key=lambda name: (-widths[name], name)):
        shape, begin = list(tensors[name].size), end
        end += widths[name] * math.prod(shape)
        kind = TYPES[tensors[name].properties.dtype]
        entries[name] = {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    header = len(text).to_bytes(8, "little") + text
    return header, {n: len(header) + entry["data_offsets"][0] for n, entry in entries.items()}


def _data_of(item: WriteItem) -> TensorWriteData:
    assert item.tensor_data is not None
    return item.tensor_data


def _skipped(data: TensorWriteData) -> int:
    """The bytes of a tensor before the rows of a process."""
    before = data.chunk.offsets[0] * math.prod(data.size[1:]) if data.size else 0
    return before * data.properties.dtype.itemsize


def _bytes_of(rows: Tensor) -> memoryview:
    flat = rows.detach().cpu().contiguous().reshape(-1)
    numbers: Any = flat.view(torch.uint8).numpy()
    return memoryview(numbers)


def _done(result: Any) -> Future[Any]:  # noqa: ANN401 - a future of anything
    future: Future[Any] = Future()
    future.set_result(result)
    return future
