"""A loaded run: a program with its weights, its data and its device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from specc.data.load import LoadedData, Rows, load_sources
from specc.data.unpaired import Unpaired
from specc.engine import device
from specc.engine.order.streams import Stream
from specc.engine.settings import Settings, settings_of
from specc.engine.step.loss_state import LossState
from specc.engine.storage import checkpoint, run_folder
from specc.engine.storage.latents_of_rows import count_of, set_columns, set_rows
from specc.engine.storage.record_schemas import Facts
from specc.engine.storage.replicated import REPLICATED, Replicated
from specc.runtime import manifest as manifests
from specc.runtime.failure import RunFailure
from specc.runtime.losses import Loss, State
from specc.runtime.manifest import Manifest
from specc.runtime.noise import mix
from specc.runtime.program import Program


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A run in this process; `storage` says whether its tensors are replicated or sharded.

    `losses` has the state of each loss; evaluation does not change it.
    """

    folder: Path
    program: Program
    data: LoadedData | None
    settings: Settings
    device: torch.device
    storage: Replicated = REPLICATED
    losses: Mapping[str, State] = field(default_factory=dict)

    def state_of(self, loss: Loss) -> State:
        """The state of a loss; empty if it has none."""
        return self.losses.get(loss.name, {})

    @property
    def manifest(self) -> Manifest:
        """The manifest of the program."""
        return self.program.manifest

    @contextmanager
    def computing(self, threads: int | None = None, products: str = "highest") -> Iterator[None]:
        """A context with the precision of the run as torch's default dtype, and with its threads.

        `products` is torch's precision of float32 products, `medium` for TensorFloat-32 on a GPU.
        """
        count = threads or device.available_threads()
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision(products)
        try:
            with precision(self.settings.dtype), device.threads(count):
                yield
        finally:
            torch.set_float32_matmul_precision(before)

    @property
    def held_out(self) -> str:
        """The part of the data for evaluation: `test`, else `valid`, else the first part."""
        parts = () if self.data is None else self.data.names
        return next((n for n in ("test", "valid", *parts) if n in parts), "test")

    def rows(self, part: str, fields: Iterable[str] = ()) -> Rows:
        """The rows of a part of the data, of the source with these fields, else the first.

        Raises RunFailure: E0509 if there is no such part.
        """
        return self._loaded().holding(fields).part(part)

    def batched(self, part: str) -> Rows | Unpaired:
        """The rows of a part in all sources, from which batches are made; raises RunFailure E0509.

        A batch has `batch_size` rows of each source that has no size of its own.
        """
        sources = [own.part(part) for own in self._loaded().sources]
        if len(sources) == 1:
            return sources[0]
        sizes = (own.batch_size or self.settings.batch_size for own in self.manifest.sources)
        return Unpaired(tuple(sources), tuple(sizes))

    def _loaded(self) -> LoadedData:
        if self.data is None:
            raise RunFailure("E0510", f"the spec of `{self.manifest.name}` has no data")
        return self.data


@contextmanager
def precision(dtype: torch.dtype) -> Iterator[None]:
    """A context in which `dtype` is torch's default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def fresh(
    code: Path, settings: Settings, where: torch.device, storage: Replicated = REPLICATED
) -> Program:
    """The program in the folder `code`, with parameters that depend on the seed alone."""
    with precision(settings.dtype), torch.random.fork_rng(devices=[]):
        torch.manual_seed(mix(settings.seed, Stream.START))
        return storage.load(code).to(where)


def outline(code: Path, settings: Settings) -> Program:
    """The program in the folder `code` on torch's meta device: names and shapes, no values."""
    with torch.device("meta"):
        return fresh(code, settings, torch.device("meta"))


def load_run(
    run: Path,
    *,
    code: Path | None = None,
    data_dir: Path | None = None,
    device_name: str = "cpu",
) -> LoadedRun:
    """A run at its last checkpoint, for evaluation and sampling.

    The weights are those of the best validation if the run has early stopping, else their moving
    average if it has one. `code` is a folder with the generated code of the spec; without it the
    code in the run folder is executed, which is meant for runs that this process trained.

    Raises RunFailure: E0802 or E0803, if there is no run or no checkpoint; E05xx for its data.
    """
    facts, stored_code = run_folder.facts_of(run)
    code = code or stored_code
    where = device.choose(device_name)
    found = checkpoint.latest(run)
    if found is None:
        message = f"the run in {run} has no checkpoint yet"
        raise RunFailure("E0802", message, hint="train it, with `specc train --resume`")
    manifest = manifests.read(code)
    settings = settings_of(manifest.train)
    program = fresh(code, settings, where)
    best = None
    if settings.patience is not None:
        best = checkpoint.best(run, known=found.early_stopping, stage=found.counters.stage)
    program.eval()
    folder = data_folder(run, facts, data_dir)
    data = None
    if manifest.data is not None:
        record = facts.get("data_record")
        data = load_sources(manifest.sources, folder, settings.dtype, record).to(where)
    rows = count_of(data)
    set_rows(program, rows)
    set_columns(program, data, settings.seed, where)
    checkpoint.load_weights(best or found, program)
    losses = LossState(manifest.losses, settings.dtype, where, rows=rows)
    checkpoint.restore_losses(best or found, losses.named())
    return LoadedRun(run, program, data, settings, where, losses=losses.tensors)


def data_folder(run: Path, facts: Facts, given: Path | None) -> Path | None:
    """The data folder `given`, by default that of the training, or the run if it has its data."""
    if given is not None:
        return given
    if run_folder.ARRAYS in facts.get("files", {}):
        return run
    known = facts.get("data_dir")
    return Path(known) if known else None
