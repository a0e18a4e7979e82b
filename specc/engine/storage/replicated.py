"""Tensor storage: safetensors files, and processes that have every tensor.

`Stored` is a safetensors file whose tensors are read when they are used. With `Replicated` storage
a process has every tensor; with `specc.engine.storage.sharded.Sharded` it has some rows of each.
Code that saves and restores is the same for both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from specc.engine.distributed import world
from specc.runtime import program as programs
from specc.runtime.program import Program

T = TypeVar("T")

TYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""The names of tensor types in safetensors."""


class Stored(Mapping[str, Tensor]):
    """The tensors of safetensors files, by name; a later file overrides earlier ones.

    Raises OSError or SafetensorError if a file cannot be read.
    """

    def __init__(self, *paths: Path) -> None:
        self._files: dict[str, Any] = {}
        for path in paths:
            file: Any = safe_open(path, framework="pt")
            self._files.update(dict.fromkeys(file.keys(), file))
        self._written = {name: name for name in self._files}

    def __getitem__(self, name: str) -> Tensor:
        found: Tensor = self._files[name].get_tensor(self._written[name])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def shape(self, name: str) -> torch.Size:
        """The shape of a tensor, without reading its values."""
        return torch.Size(self._slice(name).get_shape())

    def dtype(self, name: str) -> torch.dtype:
        """The dtype of a tensor, without reading its values."""
        kind = self._slice(name).get_dtype()
        return next(dtype for dtype, known in TYPES.items() if known == kind)

    def rows(self, name: str, first: int, count: int) -> Tensor:
        """`count` rows of a tensor from row `first` on, without reading the others."""
        found: Tensor = self._slice(name)[first : first + count]
        return found

    def under(self, other: Stored) -> Stored:
        """These tensors, overridden by those of `other`."""
        found = Stored()
        found._files = self._files | other._files
        found._written = self._written | other._written
        return found

    def named(self, new: Callable[[str], str]) -> Stored:
        """These tensors, renamed by the function `new`."""
        found = Stored()
        found._files = {new(name): file for name, file in self._files.items()}
        found._written = {new(name): written for name, written in self._written.items()}
        return found

    def _slice(self, name: str) -> Any:  # noqa: ANN401 - of safetensors, without types
        return self._files[name].get_slice(self._written[name])


class Replicated:
    """Storage of a process that has every tensor; the process of rank 0 writes."""

    @property
    def saves(self) -> bool:
        """Whether this process takes part in saving."""
        return world().writes

    def load(self, code: Path) -> Program:
        """The program in the folder `code`, with fresh parameters."""
        return programs.load(code)

    def once(self, action: Callable[[], T]) -> T:
        """The result of an action that one of the saving processes performs."""
        return action()

    def distributed(self, local: Tensor, parameter: Tensor) -> Tensor:
        """The global tensor with the part `local` in this process, sharded as `parameter` is."""
        del parameter
        return local

    def empty(self, stored: Stored, name: str, local: Tensor) -> Tensor:
        """A new tensor for the part of a stored tensor that corresponds to `local`."""
        return torch.empty(stored.shape(name), dtype=stored.dtype(name), device=local.device)

    def whole(self, tensor: Tensor) -> Tensor:
        """The values of all rows of a tensor, as a new tensor."""
        return tensor.detach().clone()

    @torch.no_grad()
    def put(self, tensor: Tensor, values: Tensor) -> None:
        """Sets a tensor to the values of all its rows."""
        tensor.copy_(values)

    def write(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Writes tensors to a safetensors file; raises OSError or SafetensorError."""
        save_file({n: t.detach().cpu().contiguous() for n, t in tensors.items()}, path)

    @torch.no_grad()
    def read(self, stored: Stored, live: Mapping[str, Tensor]) -> None:
        """Copies stored tensors into tensors of the same names and shapes."""
        for name, tensor in live.items():
            tensor.copy_(stored[name])


REPLICATED = Replicated()
