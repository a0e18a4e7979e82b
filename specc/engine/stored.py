"""Tensors in a file and in this process: what is read when, and who writes.

`Stored` is a safetensors file of which nothing is read before it is asked for. `Whole` is how a
process holds tensors: each of them whole. `specc.engine.sharded.Parts` is the other way, in which
several processes have a part of each; who saves and restores need not know which it is.
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
"""The types of tensors, as safetensors names them."""


class Stored(Mapping[str, Tensor]):
    """The tensors of safetensors files, by name; of two of one name the later file's.

    Raises OSError or SafetensorError, where a file cannot be read or is no such file.
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
        """The shape of a tensor, which is not read."""
        return torch.Size(self._slice(name).get_shape())

    def dtype(self, name: str) -> torch.dtype:
        """The type of a tensor, which is not read."""
        kind = self._slice(name).get_dtype()
        return next(dtype for dtype, known in TYPES.items() if known == kind)

    def rows(self, name: str, first: int, count: int) -> Tensor:
        """Some rows of a tensor that has dimensions; no others are read."""
        found: Tensor = self._slice(name)[first : first + count]
        return found

    def under(self, other: Stored) -> Stored:
        """These and those of `other`, which come first where both have one."""
        found = Stored()
        found._files = self._files | other._files
        found._written = self._written | other._written
        return found

    def named(self, new: Callable[[str], str]) -> Stored:
        """These under other names: `new` gives each its name."""
        found = Stored()
        found._files = {new(name): file for name, file in self._files.items()}
        found._written = {new(name): written for name, written in self._written.items()}
        return found

    def _slice(self, name: str) -> Any:  # noqa: ANN401 - of safetensors, without types
        return self._files[name].get_slice(self._written[name])


class Whole:
    """A process that has every tensor whole; where several are alike, the first one writes."""

    @property
    def saves(self) -> bool:
        """Whether this process has a part in saving."""
        return world().writes

    def load(self, code: Path) -> Program:
        """The program in the folder `code`, with fresh parameters."""
        return programs.load(code)

    def once(self, action: Callable[[], T]) -> T:
        """What an action gives that happens once, however many processes save."""
        return action()

    def shared(self, own: Tensor, parameter: Tensor) -> Tensor:
        """A tensor of which this process has `own`, as it has of `parameter`."""
        del parameter
        return own

    def room(self, stored: Stored, name: str, own: Tensor) -> Tensor:
        """A new tensor for what is stored, of which this process has as much as of `own`."""
        return torch.empty(stored.shape(name), dtype=stored.dtype(name), device=own.device)

    def write(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Writes tensors to a safetensors file; raises OSError or SafetensorError."""
        save_file({n: t.detach().cpu().contiguous() for n, t in tensors.items()}, path)

    @torch.no_grad()
    def read(self, stored: Stored, live: Mapping[str, Tensor]) -> None:
        """Puts what is stored into tensors of the same names and shapes."""
        for name, tensor in live.items():
            tensor.copy_(stored[name])


WHOLE = Whole()
