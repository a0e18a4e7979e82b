"""The loop around a driver: counters, metrics, progress, checkpoints, signals."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from specc.engine import device
from specc.engine.distributed import World, any_process, barrier
from specc.engine.loop.driver import Driver
from specc.engine.loop.progress import NoProgress, Progress, ResilientProgress, progress_of
from specc.engine.loop.signals import Interruption
from specc.engine.loop.stages import copy_tensors
from specc.engine.loop.tensorboard import TensorBoardLogger
from specc.engine.options import Options
from specc.engine.storage import checkpoint
from specc.engine.storage.checkpoint import Counters
from specc.engine.storage.loaded_run import LoadedRun
from specc.engine.storage.metrics_log import MetricsLog
from specc.engine.storage.replicated import REPLICATED
from specc.runtime.failure import INTERRUPTED, RunFailure
from specc.runtime.losses import State
from specc.runtime.source_map import located
from specc.runtime.stages import Stage

READ_EVERY = 50
"""Steps between two reads of metrics from the device."""

SAVE_EVERY = 30.0
"""Seconds between two checkpoints."""

SKIPPED_LIMIT = 20
"""Consecutive steps without a finite loss and gradient after which a run fails."""


class Loop:
    """A run from its last checkpoint to its end, under any drivers."""

    def __init__(
        self,
        loaded: LoadedRun,
        options: Options,
        interruption: Interruption,
        here: World,
        driver_of: Callable[[Stage], Driver],
    ) -> None:
        """Restores the last checkpoint, if there is one.

        `driver_of` returns the driver of a stage that starts, or continues, from the parameters of
        the program.
        """
        self.loaded = loaded
        self.options = options
        self.interruption = interruption
        self.here = here
        self.driver_of = driver_of
        found = checkpoint.latest(loaded.folder, loaded.storage)
        self.stage = loaded.manifest.stages[0 if found is None else found.counters.stage]
        self.driver = driver = driver_of(self.stage)
        self.counters = Counters()
        if found is not None:
            self.counters = found.counters_in(driver.per_epoch, driver.total)
        driver.restore(found, self.counters)
        self.log = MetricsLog(loaded.folder, found.metrics if found else None, writes=here.writes)
        self.tensorboard: TensorBoardLogger | None = None
        if options.tensorboard and here.writes:
            self.tensorboard = TensorBoardLogger(loaded.folder, self.log.lines)
        self.began_at = self.counters.total
        self.saved_at = time.monotonic()
        self.line: dict[str, Any] = self.log.lines[-1] if self.log.lines else {}
        self.progress = self._new_progress()

    def _new_progress(self) -> Progress:
        """The progress of the stage."""
        if self.options.quiet or not self.here.writes:
            return NoProgress()
        name, done = self.loaded.manifest.name, self.counters.in_stage.total
        total, words = self.driver.total, self.stage.words
        return ResilientProgress(progress_of(name, self.epochs, total, done, words))

    @property
    def epochs(self) -> int:
        """The number of epochs of the stage."""
        return -(-self.driver.total // self.driver.per_epoch)

    @property
    def steps(self) -> int:
        """The number of steps since the run was restored."""
        return self.counters.total - self.began_at

    def run(self) -> Loop:
        """Runs the remaining epochs of all stages and loads the final parameters."""
        losses = self._run_stage()
        for stage in self.loaded.manifest.stages[self.stage.number + 1 :]:
            self._enter(stage, losses)
            losses = self._run_stage()
        self.loaded.program.eval()
        self.loaded = replace(self.loaded, losses=losses)
        return self

    def _run_stage(self) -> Mapping[str, State]:
        """Runs the remaining epochs of the stage and loads its final parameters."""
        self.loaded.program.train()
        remark = self.driver.prepare(self.driver.total - self.counters.in_stage.total)
        if remark:
            self.options.say(remark)
        with self.progress:
            while self.counters.in_stage.epoch < self.epochs and not self.driver.is_over:
                self._epoch()
        self._save()
        barrier()
        return self.driver.finish(self.loaded.storage)

    def _enter(self, stage: Stage, losses: Mapping[str, State]) -> None:
        """Starts a stage, from the parameters and the state of the losses of the one before."""
        copy_tensors(self.loaded.program, stage, self.loaded.storage)
        self.stage, self.driver = stage, self.driver_of(stage)
        self.counters = self.counters.next_stage()
        self.driver.restore(None, self.counters)
        self.driver.take_over(losses)
        self.progress = self._new_progress()

    def _epoch(self) -> None:
        end, began = self._end(self.counters.in_stage.epoch), time.monotonic()
        with located(self.loaded.program.folder):
            for _ in self.driver.steps(self.counters, end):
                self._count()
                self._check(is_last=self.counters.step == end)
        self._end_epoch(time.monotonic() - began)

    def _end(self, epoch: int) -> int:
        """The number of steps of an epoch; the last epoch may be shorter."""
        return min(self.driver.per_epoch, self.driver.total - epoch * self.driver.per_epoch)

    def _count(self) -> None:
        done = self.counters
        self.counters = replace(done, step=done.step + 1, total=done.total + 1)
        self.progress.step(self.counters.in_stage.total)

    def _check(self, *, is_last: bool) -> None:
        """Reads metrics, saves and stops after a step, if any of these is due.

        Metrics are read every READ_EVERY steps and after the last step of an epoch. Raises
        RunFailure: E0804, if too many consecutive steps were skipped.
        """
        reads = is_last or self.counters.step % READ_EVERY == 0
        if self.here.size == 1:
            stops = self.interruption.requested
        else:  # only when metrics are read, since all processes must communicate
            stops = reads and any_process(self.interruption.requested, self.loaded.device)
        if stops:
            self._interrupt()
        if not reads:
            return
        metrics = self.driver.metrics
        metrics.read()
        if metrics.skipped_in_a_row >= min(SKIPPED_LIMIT, self.driver.total):
            raise self.driver.failure(self.counters)
        if not is_last:
            self._save_if_due()

    def _end_epoch(self, seconds: float) -> None:
        """Logs the metrics of the epoch that took `seconds`, and saves if a save is due."""
        done, metrics = self.counters, self.driver.metrics
        means = metrics.means()
        self.counters = replace(
            done,
            epoch=done.epoch + 1,
            step=0,
            skipped=done.skipped + metrics.skipped,
            seconds=done.seconds + seconds,
        )
        self.line = {
            "epoch": self.counters.epoch,
            "step": done.total,
            **({"stage": self.stage.name} if self.stage.name else {}),
            "loss": means[metrics.names[0]],
            "parts": means,
            "skipped": metrics.skipped,
            "seconds": round(seconds, 4),
            "memory": device.peak_memory(self.loaded.device),
            **self.driver.end_epoch(self.counters),
        }
        if self.here.writes:
            self.log.append(self.line)
        if self.tensorboard is not None:
            self.tensorboard.line(self.line)
        own = self.counters.in_stage
        self.progress.epoch({**self.line, "epoch": own.epoch, "step": own.total})
        self._snapshot()
        self._save_if_due()

    def _snapshot(self) -> None:
        """Shows the state of the run after epochs 1, 2, 4, 8, ... and the last one of a stage.

        Sharded parameters are not in one process, and are not shown.
        """
        epoch, is_sharded = self.counters.in_stage.epoch, self.loaded.storage is not REPLICATED
        is_due = epoch.bit_count() == 1 or epoch == self.epochs
        if is_sharded or not (is_due and self.here.writes):
            return
        with self.driver.averaged():
            self.loaded.program.eval()
            self.options.snapshot(self.loaded, self.counters.epoch)
        self.loaded.program.train()

    def _save_if_due(self) -> None:
        """Saves if the last save was SAVE_EVERY seconds ago in any process; all save together."""
        if any_process(time.monotonic() - self.saved_at > SAVE_EVERY, self.loaded.device):
            self._save()

    def _save(self) -> None:
        if self.here.writes:
            self.log.sync()
        self.driver.save(self.counters, self.log.state())
        self.saved_at = time.monotonic()

    def _interrupt(self) -> None:
        self._save()
        done, total = self.counters.in_stage.total, self.driver.total
        where = f" in {self.stage.words}," if self.stage.name else ""
        message = f"interrupted{where} after step {done} of {total}; the run is saved"
        hint = f"`--resume` goes on from there, in {self.loaded.folder}"
        barrier()
        raise RunFailure("E0812", message, hint=hint, exit_code=INTERRUPTED)
