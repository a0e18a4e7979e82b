"""Options of a run: its device, its initial weights, its output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specc.engine.storage.loaded_run import LoadedRun


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a run, beside its program.

    Attributes:
        data_dir: The folder of the data files.
        device: `auto`, `cpu`, `cuda` or `cuda:1`.
        spec: The text of the spec, which the run folder stores.
        extras: Further texts and files for the run folder, by their names.
        resume: Whether the run in the folder continues.
        quiet: Whether no progress is shown.
        threads: The number of threads; by default it follows from the sizes.
        start: A run whose weights are loaded where they fit.
        moved: The new names of tensors of `start`, by the old ones.
        parts: Parts of the data that the metrics at the end need.
        tensorboard: Whether TensorBoard event files are written.
        shard: Whether parameters are sharded over the processes.
        say: The function that shows a message to the user.
        begun: The function that is called once the run has its folder and nothing is refused.
        snapshot: The function that shows the state of a run after some epochs. It receives the run
            and the number of epochs, and changes nothing of the run.

    """

    data_dir: Path | None = None
    device: str = "cpu"
    spec: str | None = None
    extras: Mapping[str, str | bytes] = field(default_factory=dict)
    resume: bool = False
    quiet: bool = False
    threads: int | None = None
    start: Path | None = None
    moved: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    tensorboard: bool = False
    shard: bool = False
    say: Callable[[str], None] = lambda words: None
    begun: Callable[[], None] = lambda: None
    snapshot: Callable[[LoadedRun, int], None] = lambda loaded, epoch: None

    def facts(self) -> dict[str, Any]:
        """The options that run.json stores: the data folder, and the run of the initial weights."""
        data_dir = None if self.data_dir is None else str(self.data_dir.resolve())
        if self.start is None:
            return {"data_dir": data_dir, "start": None}
        start = {"run": str(self.start.resolve()), "moved": dict(self.moved)}
        return {"data_dir": data_dir, "start": start}
