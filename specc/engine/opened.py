"""A program with its weights, its data and its device: what training makes and evaluation takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from specc.data.load import Loaded, Rows, load
from specc.engine import checkpoint, device, record
from specc.engine.forms import Facts
from specc.engine.settings import Settings, settings_of
from specc.engine.stored import WHOLE, Whole
from specc.engine.streams import Stream
from specc.runtime import manifest as manifests
from specc.runtime.failure import RunFailure
from specc.runtime.manifest import Manifest
from specc.runtime.noise import mix
from specc.runtime.program import Program


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that is open in this process; `hands` is how the process holds its tensors."""

    folder: Path
    program: Program
    data: Loaded | None
    settings: Settings
    device: torch.device
    hands: Whole = WHOLE

    @property
    def manifest(self) -> Manifest:
        """The manifest of the program."""
        return self.program.manifest

    @contextmanager
    def computing(self, threads: int | None = None, products: str = "highest") -> Iterator[None]:
        """Within it, torch makes new numbers in the precision of the run, with all threads.

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
        """The part of the data that says most of a model: `test`, else `valid`, else the first."""
        parts = () if self.data is None else tuple(self.data.parts)
        return next((n for n in ("test", "valid", *parts) if n in parts), "test")

    def rows(self, part: str) -> Rows:
        """The rows of a part of the data; raises RunFailure E0509 where there is none."""
        if self.data is None:
            raise RunFailure("E0510", f"the spec of `{self.manifest.name}` has no data")
        return self.data.part(part)


@contextmanager
def precision(dtype: torch.dtype) -> Iterator[None]:
    """Within it, `dtype` is torch's default."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def fresh(code: Path, settings: Settings, where: torch.device, hands: Whole = WHOLE) -> Program:
    """The program in the folder `code`, with parameters that depend on the seed alone."""
    with precision(settings.dtype), torch.random.fork_rng(devices=[]):
        torch.manual_seed(mix(settings.seed, Stream.START))
        return hands.load(code).to(where)


def outline(code: Path, settings: Settings) -> Program:
    """The program in the folder `code` with the names and shapes of its parameters, and no more."""
    with torch.device("meta"):
        return fresh(code, settings, torch.device("meta"))


def open_run(
    run: Path,
    *,
    code: Path | None = None,
    data_dir: Path | None = None,
    device_name: str = "cpu",
) -> OpenRun:
    """A run as its last checkpoint left it, ready to evaluate or to sample.

    Where the run ends by itself its best weights are taken, where it keeps a mean of them the mean.
    `code` is a folder with the generated code of its spec; without it the run's own is executed,
    which is for runs that this process trained.

    Raises RunFailure: E0802 or E0803, where there is no run or no checkpoint; E05xx for its data.
    """
    facts, kept = record.facts_of(run)
    code = code or kept
    where = device.choose(device_name)
    found = checkpoint.latest(run)
    if found is None:
        message = f"the run in {run} has no checkpoint yet"
        raise RunFailure("E0802", message, hint="train it, with `specc train --resume`")
    manifest = manifests.read(code)
    settings = settings_of(manifest.train)
    program = fresh(code, settings, where)
    best = checkpoint.best(run, known=found.watch) if settings.patience is not None else None
    checkpoint.use(best or found, program)
    program.eval()
    folder = data_folder(facts, data_dir)
    data = None
    if manifest.data is not None:
        data = load(manifest.data, folder, settings.dtype, facts.get("data_record")).to(where)
    return OpenRun(run, program, data, settings, where)


def data_folder(facts: Facts, given: Path | None) -> Path | None:
    """The data folder given now, or the one that the run was trained with."""
    if given is not None:
        return given
    kept = facts.get("data_dir")
    return Path(kept) if kept else None
