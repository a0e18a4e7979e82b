"""TensorBoard event files of a run, in RUN/tensorboard, from the lines of metrics.jsonl."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from specc.runtime.failure import USAGE, RunFailure

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"


def writer() -> type[SummaryWriter]:
    """TensorBoard's writer; raises RunFailure E0817 if the package is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        hint = "install it with `pip install 'specc[tensorboard]'`, or omit the option"
        message = "--tensorboard needs the package tensorboard"
        raise RunFailure("E0817", message, hint=hint, exit_code=USAGE) from error
    return SummaryWriter


class TensorBoardLogger:
    """Event files with the content of metrics.jsonl; a resumed run writes all of them again."""

    def __init__(self, run: Path, lines: Iterable[Mapping[str, Any]]) -> None:
        """Raises RunFailure: E0817, if TensorBoard is not installed."""
        shutil.rmtree(run / FOLDER, ignore_errors=True)
        self._writer = writer()(str(run / FOLDER))
        for line in lines:
            self.line(line)

    def line(self, line: Mapping[str, Any]) -> None:
        """Adds an epoch: `train/...` and `valid/...` in nats a row, and learning rates."""
        for part, values in (("train", line["parts"]), ("valid", line.get("valid", {}))):
            for name, value in values.items():
                if value is not None:
                    self._scalar(f"{part}/{name}", value, line["step"])
        for name in line:
            if name == "lr" or name.endswith(" lr"):
                self._scalar(f"{name.removesuffix('lr')}learning rate", line[name], line["step"])
        self._writer.flush()

    def _scalar(self, name: str, value: float, step: int) -> None:
        self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Closes the file."""
        self._writer.close()
