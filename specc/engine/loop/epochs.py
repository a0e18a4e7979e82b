"""The driver of training: epochs of steps in which every player updates its parameters."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from specc.data.load import RowIndex
from specc.engine.compile.autotune import Choice, choose
from specc.engine.distributed import first_known, world
from specc.engine.loop.ema import EMA
from specc.engine.loop.stages import hold_still, rows_of_stage
from specc.engine.order.batch_order import batch_order
from specc.engine.schedule.early_stopping import EarlyStopping
from specc.engine.step import thread_choice
from specc.engine.step.player import NotCompiled, players_of
from specc.engine.step.running_metrics import RunningMetrics
from specc.engine.step.step import Step
from specc.engine.step.trace import origin_of, wrong_parameter
from specc.engine.storage import checkpoint, run_folder
from specc.engine.storage.checkpoint import Checkpoint, Counters, TrainingState
from specc.engine.storage.loaded_run import LoadedRun
from specc.engine.storage.replicated import Replicated
from specc.runtime.failure import RunFailure
from specc.runtime.losses import State, metric_names
from specc.runtime.source_map import located
from specc.runtime.stages import Stage


class Epochs:
    """Epochs of player steps, with schedules of learning rates, validation and an EMA."""

    def __init__(self, loaded: LoadedRun, stage: Stage) -> None:
        """The driver of a stage, which starts from the parameters that the program has."""
        self.loaded = loaded
        self.stage = stage
        self.settings = loaded.settings.of_stage(stage)
        hold_still(loaded.program, stage)
        self.rows = rows_of_stage(loaded, stage, "train")
        order = self.rows, self.settings.batch_size, self.settings.seed, loaded.device
        self.order = batch_order(*order)
        self.per_epoch = self.order.per_epoch
        self.total = self.settings.total(self.per_epoch)
        self.players = players_of(loaded.program, self.settings, loaded.device, stage.losses)
        facts, _ = run_folder.facts_of(loaded.folder)
        at = loaded.device, facts.get("pieces"), stage
        self.step = Step(loaded.program, self.players, self.rows, self.settings, *at)
        decay = self.settings.ema
        self.ema = None if decay is None else EMA(loaded.program, decay)
        self.early_stopping = EarlyStopping()
        self.metrics = RunningMetrics()
        self.is_new = True

    @property
    def is_over(self) -> bool:
        """Whether the validation loss has not improved for too long."""
        patience = self.settings.patience
        return patience is not None and self.early_stopping.since >= patience.patience

    def restore(self, found: Checkpoint | None, counters: Counters) -> None:
        """Restores the checkpoint, if there is one."""
        self.is_new = found is None
        self.step.first_epoch = counters.first_epoch
        if found is not None:
            program, storage = self.loaded.program, self.loaded.storage
            means = None if self.ema is None else self.ema.mean
            state = self.step.state.named()
            checkpoint.restore(found, program, self.players, means, storage, state)
            self.early_stopping = found.early_stopping
            self.metrics = RunningMetrics(found.running_metrics)
            if self.settings.patience is not None:
                checkpoint.best(self.loaded.folder, storage, self.early_stopping, self.stage.number)
        self._set_rates(counters.in_stage.total)

    def take_over(self, states: Mapping[str, State]) -> None:
        """Copies the state of the losses at the end of the stage before."""
        for loss, tensors in states.items():
            for name, tensor in tensors.items():
                self.step.state.tensors[loss][name].copy_(tensor)

    def prepare(self, left: int) -> str:
        """Runs data-dependent initialization in a new stage, and compiles the step if it pays."""
        if self.is_new:
            with located(self.loaded.program.folder):
                self.step.start(self.order.first())
        subsampled = self.step.subsampled
        remarks = [
            self._choose_threads(),
            self._compile(left),
            subsampled.remark if subsampled and self.is_new else "",
        ]
        return "\n".join(filter(None, remarks))

    def _choose_threads(self) -> str:
        """Chooses the number of threads by time, once in a run that asks for it."""
        facts, _ = run_folder.facts_of(self.loaded.folder)
        if not facts.get("auto_threads"):
            return ""
        with located(self.loaded.program.folder):
            found = thread_choice.times(self.step)
        chosen = thread_choice.fastest(found)
        thread_choice.use(chosen)
        run_folder.add_facts(self.loaded.folder, threads=chosen, auto_threads=False)
        return thread_choice.sentence(found)

    def _compile(self, left: int) -> str:
        """Compiles the step, as the run did before or as its settings request."""
        facts, _ = run_folder.facts_of(self.loaded.folder)
        name, earlier = self.stage.name, dict(facts.get("compile_stages", {}))
        known = earlier.get(name) if name else facts.get("compile")
        mode = self.settings.compile if world().size == 1 else "off"
        if known is not None:
            mode = "on" if known["compiled"] else "off"
        with located(self.loaded.program.folder):
            try:
                choice = choose(self.step, mode, left)
            except NotCompiled as reason:
                self.step.compiled.clear()
                choice = Choice(False, str(reason))
        for update in self.step.compiled.values():
            update.reset()
        if known is not None or mode == "off":
            return ""
        own: dict[str, Any] = {"compile": choice.facts()}
        if name:
            own = {"compile_stages": {**earlier, name: choice.facts()}}
        run_folder.add_facts(self.loaded.folder, **own)
        verb = "is" if choice.compiled else "is not"
        where = f" of {self.stage.words}," if name else ""
        return f"the step{where} {verb} compiled: {choice.reason}"

    def steps(self, counters: Counters, end: int) -> Iterator[None]:
        """Makes the steps of an epoch from `counters` up to step `end` and yields after each."""
        epoch, total = counters.epoch, counters.in_stage.total
        for made, number in enumerate(range(counters.step, end)):
            self._set_rates(total + made)
            self.metrics.add(self.step(epoch, number, *self._batches(epoch, number)))
            if self.ema is not None:
                self.ema.update(total + made)
            yield

    def _batches(self, epoch: int, number: int) -> Sequence[RowIndex]:
        return self.order.batches(epoch, number, self.step.updates)

    def _set_rates(self, step: int) -> None:
        for player in self.players:
            player.set_rate(step, self.total, self.early_stopping.drops)

    def averaged(self) -> AbstractContextManager[None]:
        """A context in which the moving averages, if there are any, are the parameters."""
        return self.ema.in_place() if self.ema is not None else nullcontext()

    def end_epoch(self, counters: Counters) -> Mapping[str, Any]:
        """The learning rate of each player, and the validation losses if they are due."""
        found: dict[str, Any] = {}
        for player in self.players:
            (name,) = metric_names(self.step.losses, player.loss, ("lr",))
            found[name] = player.optimizer.param_groups[0]["lr"]
        every = self.settings.validates_every
        if every and counters.in_stage.epoch % every == 0:
            with self.averaged():
                found["valid"] = self._validate(counters)
        self.metrics = self.metrics.next_epoch()
        return found

    def _validate(self, counters: Counters) -> dict[str, float]:
        """The validation losses; the parameters are saved if they are the best so far."""
        found = self.step.measure(
            rows_of_stage(self.loaded, self.stage, "valid"), self.settings.batch_size
        )
        patience, plateau = self.settings.patience, self.settings.plateau
        delta = 0.0 if patience is None else patience.min_delta
        drop_after = sys.maxsize if plateau is None else plateau
        self.early_stopping = self.early_stopping.after(
            found["loss"], counters.total, delta, drop_after
        )
        storage = self.loaded.storage
        if self.early_stopping.improved and patience is not None and storage.saves:
            run, program, state = self.loaded.folder, self.loaded.program, self.step.state.named()
            checkpoint.save_best(run, program, counters, storage, state)
        return found

    def save(self, counters: Counters, logged: Mapping[str, Any]) -> None:
        """Writes a checkpoint; `logged` identifies the metrics written so far."""
        self.metrics.read()
        self.step.state.gather()
        storage = self.loaded.storage
        if not storage.saves:
            return
        state = TrainingState(counters, self.metrics.state(), self.early_stopping, logged)
        mean = None if self.ema is None else self.ema.mean
        checkpoint.save(
            self.loaded.folder,
            self.loaded.program,
            self.players,
            state,
            mean,
            self.settings.keep,
            storage,
            self.step.state.named(),
        )

    def failure(self, counters: Counters) -> RunFailure:
        """The failure E0804, with the origin of the first number that is not finite."""
        epoch, number, program = counters.epoch, counters.step - 1, self.loaded.program
        rows = self._batches(epoch, number)
        origin = origin_of(lambda: self.step.loss_again(epoch, number, *rows), program.folder)
        parameter = first_known(wrong_parameter(program))
        what = f"the gradient of `{parameter}`" if origin is None else "the loss"
        message = (
            f"training stopped in {self._where(counters)}: {what} was not finite in "
            f"{self.metrics.skipped_in_a_row} steps in a row"
        )
        hint = f"{origin}; " if origin else ""
        place = origin.place.at if origin and origin.place else ""
        hint += "a lower learning rate may help"
        return RunFailure("E0804", message, hint=hint, place=place)

    def _where(self, counters: Counters) -> str:
        words = f"{self.stage.words}, in " if self.stage.name else ""
        return f"{words}epoch {counters.in_stage.epoch + 1}"

    def finish(self, storage: Replicated) -> Mapping[str, State]:
        """Loads the final parameters: of the best validation, the moving average, or the last."""
        run, found = self.loaded.folder, None
        if self.settings.patience is not None:
            found = checkpoint.best(run, storage, self.early_stopping, self.stage.number)
        if found is None and self.ema is not None:
            found = checkpoint.latest(run, storage)
        if found is not None:
            checkpoint.load_weights(found, self.loaded.program, storage)
            checkpoint.restore_losses(found, self.step.state.named(), storage)
        return self.step.state.tensors
