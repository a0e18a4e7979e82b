"""One safetensors file that many processes write and read, each the rows that it has.

The two classes are storages of `torch.distributed.checkpoint`, which finds out who has which rows
and lets all processes fail where one does. The file is the one that `safetensors` writes: a header
of names, types, shapes and places, then the numbers. Rows of a tensor lie there one after another,
so a process writes its own into place, and nobody ever has the whole.

Torch's writer of such files gathers them from pieces afterwards, and leaves single numbers zero.
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

from specc.engine.stored import TYPES, Stored


class Writer(StorageWriter):
    """Writes to a new file what all processes have, each its own rows."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare_global_plan(self, plans: list[SavePlan]) -> list[SavePlan]:
        """In the first process: makes the file, and tells all where each tensor begins."""
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
        """A writer is for one file, and used once."""

    def set_up_storage_writer(self, is_coordinator: bool, *args: object, **others: object) -> None:
        """Nothing has to be there beforehand."""

    def prepare_local_plan(self, plan: SavePlan) -> SavePlan:
        """Every row is written as it is."""
        return plan

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        """Everything about the tensors is in the header already."""

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: object) -> bool:
        """A writer is made for its file by hand."""
        return False


class Reader(StorageReader):
    """Reads what each process has of tensors, and no more."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored

    def read_metadata(self, *args: object, **others: object) -> Metadata:
        """Every tensor is one chunk; its type is that of whatever it is read into."""
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
        """A reader is for the files that it was made with."""

    def set_up_storage_reader(
        self, metadata: Metadata, is_coordinator: bool, *args: object, **others: object
    ) -> None:
        """The files are open already."""

    def prepare_local_plan(self, plan: LoadPlan) -> LoadPlan:
        """Every row is read as it is."""
        return plan

    def prepare_global_plan(self, plans: list[LoadPlan]) -> list[LoadPlan]:
        """Nobody reads for another."""
        return plans

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: object) -> bool:
        """A reader is made for its files by hand."""
        return False


def layout(tensors: Mapping[str, TensorWriteData]) -> tuple[bytes, dict[str, int]]:
    """The header of a file of these tensors, and where in the file each one begins.

    It is the header of `safetensors`, byte for byte: the widest types first, then by name.
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
