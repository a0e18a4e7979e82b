"""The origin of the first number that is not finite: its node, and the line of the spec."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from specc.engine.distributed import local_part
from specc.runtime.solver_failures import on_solver_failure
from specc.runtime.source_map import Place, find

SHARDING = "_fully_shard"
"""A folder in the path of torch's code that shards parameters."""

CHAINS = ("runtime", "chains")
"""The folder of the chains that follow a gradient."""

OF_CHAIN = "a chain left the finite numbers, and a smaller `step_size:` may help"


@dataclass(frozen=True, slots=True)
class Origin:
    """The first number that is not finite, and the line of generated code that computed it.

    `then` is the origin of the first NaN after an infinite number; `why` is the cause, if it is
    known.
    """

    value: str
    line: str
    place: Place | None
    then: Origin | None = None
    why: str = ""

    @property
    def where(self) -> str:
        """The node, and the line of its code."""
        return f"node `{self.place.node}` ({self.line})" if self.place else self.line

    def __str__(self) -> str:
        after = ""
        if self.then is not None and self.then.where != self.where:
            after = f", and NaN from {self.then._description}"
        return f"{self.value} first came from {self._description}{after}"

    @property
    def _description(self) -> str:
        return f"{self.where}: {self.why}" if self.why else self.where


class _NonFiniteDetector(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Searches the result of every operation for the first infinite number and the first NaN."""

    def __init__(self, folder: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.folder = folder
        self.infinite: Origin | None = None
        self.nan: Origin | None = None
        self.why = ""

    def record_cause(self, cause: str, count: int) -> None:
        """Records the cause of the next NaN."""
        del count
        self.why = cause

    @property
    def origin(self) -> Origin | None:
        """The first infinite number with the first NaN after it, or the first NaN."""
        return self.nan if self.infinite is None else replace(self.infinite, then=self.nan)

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        result = func(*args, **(kwargs or {}))
        if self.nan is None and not _is_uninitialized(func):
            self._search(result)
        return result

    def _search(self, result: object) -> None:
        values = result if isinstance(result, (tuple, list)) else (result,)
        for value in values:
            if isinstance(value, Tensor) and value.is_floating_point():
                kind = _kind(value)
                if kind == "NaN":
                    self.nan = self._origin(kind)
                elif kind and self.infinite is None:
                    self.infinite = self._origin(kind)

    def _origin(self, kind: str) -> Origin | None:
        frames = traceback.extract_stack()
        if _is_gathering(frames, self.folder):
            return None
        found = find(frames, self.folder)
        why = self.why if kind == "NaN" else ""
        if any(Path(frame.filename).parts[-3:-1] == CHAINS for frame in frames):
            why = OF_CHAIN
        return Origin(kind, found.line, found.place, why=why) if found else None


def _is_uninitialized(func: Callable[..., Any]) -> bool:
    """Whether the result of an operation is memory that no number is written to yet."""
    name = str(getattr(func, "overloadpacket", func)).rpartition(".")[2]
    return name.startswith(("empty", "new_empty"))


def _is_gathering(frames: Sequence[traceback.FrameSummary], folder: Path) -> bool:
    """Whether torch is gathering sharded parameters, into memory that is not initialized yet."""
    inside = folder.resolve()
    for frame in reversed(frames):
        if Path(frame.filename).resolve().parent == inside:
            return False
        if SHARDING in frame.filename:
            return True
    return False


def _kind(value: Tensor) -> str:
    if bool(torch.isnan(value).any()):
        return "NaN"
    return "an infinite number" if bool(torch.isinf(value).any()) else ""


def origin_of(compute: Callable[[], object], folder: Path) -> Origin | None:
    """Runs `compute`; returns the origin of its first number that is not finite, if any."""
    detector = _NonFiniteDetector(folder)
    with torch.no_grad(), on_solver_failure(detector.record_cause), detector:
        compute()
    return detector.origin


def wrong_parameter(program: nn.Module) -> str | None:
    """The first parameter whose value or gradient is not finite in this process."""
    for name, parameter in program.named_parameters():
        if _kind(local_part(parameter.detach())):
            return name
        if parameter.grad is not None and _kind(local_part(parameter.grad)):
            return name
    return None
