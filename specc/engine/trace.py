"""Where the first number that is not finite came from: the node, and its line in the spec."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from specc.runtime.places import Place, place_of


@dataclass(frozen=True, slots=True)
class Origin:
    """The operation that gave the first such number, and the line of generated code it is in."""

    value: str
    file: str
    line: int
    place: Place | None

    def __str__(self) -> str:
        where = f"node `{self.place.node}`" if self.place else f"{self.file}:{self.line}"
        return f"{self.value} first came from {where}"


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Looks at the result of every operation; NaN counts more than an infinity before it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.folder = folder
        self.origin: Origin | None = None

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        result = func(*args, **(kwargs or {}))
        if self.origin is None or self.origin.value != "NaN":
            self._look(result)
        return result

    def _look(self, result: object) -> None:
        values = result if isinstance(result, (tuple, list)) else (result,)
        for value in values:
            if isinstance(value, Tensor) and value.is_floating_point():
                kind = _kind(value)
                if kind == "NaN" or (kind and self.origin is None):
                    self.origin = self._here(kind) or self.origin

    def _here(self, kind: str) -> Origin | None:
        inside = str(self.folder.resolve())
        frames = [f for f in traceback.extract_stack() if str(Path(f.filename).parent) == inside]
        if not frames:
            return None
        frame, file = frames[-1], Path(frames[-1].filename).name
        line = frame.lineno or 0
        return Origin(kind, file, line, place_of(self.folder, file, line))


def _kind(value: Tensor) -> str:
    if bool(torch.isnan(value).any()):
        return "NaN"
    return "an infinite number" if bool(torch.isinf(value).any()) else ""


def origin_of(compute: Callable[[], object], folder: Path) -> Origin | None:
    """Runs `compute` and tells where in the code of `folder` it went wrong, if it did."""
    watch = _Watch(folder)
    with torch.no_grad(), watch:
        compute()
    return watch.origin


def wrong_parameter(program: nn.Module) -> str | None:
    """The first parameter whose value or gradient is not finite."""
    for name, parameter in program.named_parameters():
        if _kind(parameter.detach()):
            return name
        if parameter.grad is not None and _kind(parameter.grad):
            return name
    return None
