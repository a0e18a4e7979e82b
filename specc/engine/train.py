"""Training: a run is selected, a driver advances it, a loop records it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from specc.engine import device
from specc.engine.distributed import barrier, broadcast_text, process_group
from specc.engine.loop.driver import Driver
from specc.engine.loop.epochs import Epochs
from specc.engine.loop.loop import Loop
from specc.engine.loop.signals import interruptible
from specc.engine.loop.tensorboard import writer
from specc.engine.options import Options
from specc.engine.selection import (
    existing_run,
    in_one_process,
    keep_threads,
    new_run,
    revise,
    start_warm,
    storage_of,
)
from specc.engine.step.matmul_precision import has_bfloat16
from specc.engine.storage import run_folder
from specc.engine.storage.checkpoint import Counters
from specc.engine.storage.loaded_run import LoadedRun
from specc.engine.storage.replicated import REPLICATED
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.manifest import Manifest
from specc.runtime.stages import Stage


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run with its counters and the metrics of its last epoch.

    `steps` counts the steps of this call: none if the run was finished before.
    """

    loaded: LoadedRun
    counters: Counters
    metrics: Mapping[str, Any]
    steps: int


def train(code: Path, run: Path, options: Options) -> Trained:
    """Trains the generated program in `code` and records the run in the folder `run`.

    Raises RunFailure: E05xx if the data does not fit, before anything is written; E08xx if the run
    cannot continue; E0812 with exit code 75 if it is interrupted, saved and resumable.
    """
    if options.tensorboard:
        writer()
    with process_group(device.choose(options.device)) as here:
        storage = storage_of(code, options)
        run = Path(broadcast_text(str(run)))
        is_new = False
        if here.writes:
            is_new = not (options.resume and os.path.lexists(run / run_folder.RUN))
            selected = (new_run if is_new else existing_run)(code, run, options)
        barrier()
        if not here.writes:
            selected = existing_run(code, run, options)
        loaded = selected.load(run, storage)
        matmul = _matmul_precision(loaded, options)
        with (
            run_folder.locked(run) if here.writes else nullcontext(),
            loaded.computing(selected.threads, matmul),
            interruptible() as interruption,
        ):
            if here.writes and options.resume:
                keep_threads(loaded, options)
                revise(code, loaded, options)
            barrier()
            if storage.saves:
                start_warm(loaded, options)
            barrier()
            driver_of = partial(driver_for(loaded.manifest), loaded)
            with _discarded_if_refused(run, is_new=is_new):
                loop = Loop(loaded, options, interruption, here, driver_of)
            options.begun()
            found = loop.run()
    trained = Trained(found.loaded, found.counters, found.line, found.steps)
    if storage is REPLICATED:
        return trained
    return replace(trained, loaded=in_one_process(code, trained.loaded, options))


@contextmanager
def _discarded_if_refused(run: Path, *, is_new: bool) -> Iterator[None]:
    """A context that removes the folder of a new run if the command line or the spec is refused."""
    try:
        yield
    except RunFailure as failure:
        if is_new and failure.exit_code == USAGE:
            shutil.rmtree(run, ignore_errors=True)
        raise


def driver_for(manifest: Manifest) -> Callable[[LoadedRun, Stage], Driver]:
    """What advances a run: transitions of a sampler, or epochs of updates."""
    if manifest.sampler is None:
        return Epochs
    from specc.engine.samplers.driver import Transitions

    return Transitions


def _matmul_precision(loaded: LoadedRun, options: Options) -> str:
    """Torch's precision of float32 matrix products: `medium` for TensorFloat-32 on a GPU."""
    if loaded.settings.precision != "fast":
        return "highest"
    if loaded.device.type == "cuda":
        return "medium"
    if not has_bfloat16():
        options.say("this processor has no bfloat16 units, so `fast` computes in float32")
    return "highest"


__all__ = ["Options", "Trained", "train"]
