"""The driver of a sampler: a step is a transition of every chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch

from specc.engine.distributed import world
from specc.engine.order.streams import Stream
from specc.engine.samplers.chains import create
from specc.engine.samplers.draws import Draws
from specc.engine.samplers.start import TRIES, NoStart
from specc.engine.samplers.target import Target, training_rows
from specc.engine.step.player import StepResult
from specc.engine.step.running_metrics import RunningMetrics
from specc.engine.step.trace import origin_of
from specc.engine.storage import checkpoint, run_folder
from specc.engine.storage.checkpoint import Checkpoint, Counters, TrainingState
from specc.engine.storage.loaded_run import LoadedRun
from specc.engine.storage.replicated import Replicated
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.losses import State
from specc.runtime.noise import mix
from specc.runtime.sampler import Sampler
from specc.runtime.stages import Stage

EPOCHS = 20
"""The number of lines of metrics of a run."""


class Transitions:
    """Transitions of the chains of a sampler, with their draws on disk."""

    def __init__(self, loaded: LoadedRun, stage: Stage) -> None:
        """The driver of the only stage of a spec with a sampler."""
        assert loaded.manifest.sampler is not None
        _check_processes(loaded.manifest.sampler)
        self.loaded, self.sampler = loaded, loaded.manifest.sampler
        self.total = self.sampler.warmup + self.sampler.draws
        self.per_epoch = max(1, -(-self.total // EPOCHS))
        self.metrics = RunningMetrics()
        self.target = Target(loaded, stage)
        self.coordinates = self.target.coordinates
        seed = mix(loaded.settings.seed, Stream.TRANSITIONS)
        self.chains = create(self.target, self.sampler, seed)
        self.draws = Draws.create(loaded.folder, self.sampler, self.coordinates.size)

    @property
    def is_over(self) -> bool:
        """Whether the run ends before its last transition: never."""
        return False

    def restore(self, found: Checkpoint | None, counters: Counters) -> None:
        """Restores the chains of the checkpoint, if there is one."""
        if found is not None:
            self.chains.restore(found.chains)
            for number, made in enumerate(self.chains.made):
                self.draws.require(number, made)
            self.metrics = RunningMetrics(found.running_metrics)

    def take_over(self, states: Mapping[str, State]) -> None:
        """Does nothing: a sampler has a single stage, and its loss has no state."""

    def prepare(self, left: int) -> str:
        """Records or compiles the density, and starts new chains."""
        facts, _ = run_folder.facts_of(self.loaded.folder)
        known, mode = facts.get("compile"), self.loaded.settings.compile
        if known is not None:
            mode = "on" if known["compiled"] else "off"
        choice = self.chains.record(mode, left)
        if known is None:
            run_folder.add_facts(self.loaded.folder, compile=choice.facts())
        if self.chains.is_new:
            try:
                self.chains.start()
            except NoStart as failure:
                raise self._no_start(failure) from None
        self.chains.begin(self.draws)
        if known is not None or mode == "off":
            return ""
        verb = "is" if choice.compiled else "is not"
        return f"the density {verb} compiled: {choice.reason}"

    def _no_start(self, failure: NoStart) -> RunFailure:
        """The failure E0827, with the node and the row of the first number that is not finite."""
        program = self.loaded.program
        self.coordinates.move_to(failure.position)
        origin = origin_of(self.target.loss, program.folder)
        message = (
            f"chain {failure.chain + 1} found no start: at each of {TRIES} random points the "
            "density was 0 or not a number"
        )
        hint = "the data may be outside the support of a node, or a scale 0 there"
        place = origin.place.at if origin and origin.place else ""
        hint = f"{origin}; {hint}" if origin else hint
        row = _impossible_row(self.loaded)
        if row is not None:
            message += f", at the last of them for row {row} of `train`, counted from 0"
        return RunFailure("E0827", message, hint=hint, place=place)

    def steps(self, counters: Counters, end: int) -> Iterator[None]:
        """Makes the transitions of an epoch up to number `end` of it, and yields after each."""
        for made, _ in enumerate(range(counters.step, end)):
            number = counters.in_stage.total + made
            self.chains.advance(number + 1)
            self.metrics.add(self._result(number))
            yield

    def _result(self, number: int) -> StepResult:
        """The means over the chains of what is known of a transition.

        The loss is minus the log-density for each row.
        """
        own, keys = self.draws.statistics[:, number], self.chains.metrics
        loss = -float(np.mean(own["log_density"])) / self.target.rows
        values = torch.tensor([loss, *(float(np.mean(own[key])) for key in keys)])
        return StepResult(("loss", *keys), values, torch.zeros(()))

    def averaged(self) -> AbstractContextManager[None]:
        """A context in which the program has the last state of the first chain."""
        self._show()
        return nullcontext()

    def _show(self) -> None:
        """Copies the state of the first chain to the program."""
        self.coordinates.move_to(self.chains.position)

    def end_epoch(self, counters: Counters) -> Mapping[str, Any]:
        """Resets the metrics; the divergences and R-hat since the warm-up are two of them."""
        self.metrics = self.metrics.next_epoch()
        _check_moves(self.draws)
        after = self.draws.statistics["divergent"][:, self.sampler.warmup :]
        found: dict[str, Any] = {"divergences": int(after.sum())}
        r_hat = self.draws.r_hat()
        return found if r_hat is None else {**found, "r_hat": r_hat}

    def save(self, counters: Counters, logged: Mapping[str, Any]) -> None:
        """Writes the draws and a checkpoint of the chains."""
        self.metrics.read()
        if not self.loaded.storage.saves:
            return
        self.draws.flush()
        self._show()
        state = TrainingState(counters, self.metrics.state(), metrics=logged)
        tensors = self.chains.tensors()
        folder, program, keep = self.loaded.folder, self.loaded.program, self.loaded.settings.keep
        checkpoint.save(folder, program, (), state, None, keep, self.loaded.storage, chains=tensors)

    def failure(self, counters: Counters) -> RunFailure:
        """The reason why a step failed; transitions are never skipped."""
        raise AssertionError("a transition is never skipped")

    def finish(self, storage: Replicated) -> Mapping[str, State]:
        """Leaves the last state of the first chain in the program; losses have no state."""
        self._show()
        return {}


def _check_processes(sampler: Sampler) -> None:
    """Refuses several processes: RunFailure E0829."""
    if world().size > 1:
        message = (
            f"`{sampler.name}` computes all chains in one process, and there are {world().size}"
        )
        raise RunFailure("E0829", message, hint="start it without torchrun", exit_code=USAGE)


FEWEST_STUCK = 50
"""The number of equal draws of every chain after which a run stops."""


def _check_moves(draws: Draws) -> None:
    """Refuses chains of which none has moved since the warm-up: RunFailure E0836."""
    made = draws.positions[:, : draws.done]
    if draws.done < FEWEST_STUCK or (made != made[:, :1]).any():
        return
    acceptance = float(draws.statistics["acceptance"][:, -draws.positions.shape[1] :].mean())
    message = (
        f"no chain moves: {draws.done} draws of each of them are equal, with a mean probability "
        f"of acceptance of {acceptance:.2g}"
    )
    hint = "a longer warm-up finds a smaller step; data and latents of the order of 1 help"
    raise RunFailure("E0836", message, hint=hint)


def _impossible_row(loaded: LoadedRun) -> int | None:
    """The first row whose log p(x | w) is not finite at the current latents; None if all are."""
    program = loaded.program
    method = "model.log_prob" if program.can("model.log_prob") else "model.log_joint"
    known = training_rows(loaded)
    if loaded.manifest.sampler is not None:
        own = {n: getattr(program.model, n) for n in loaded.manifest.sampler.latents}
        known |= loaded.manifest.named_as_arguments(own)
    with torch.no_grad():
        values = program.require(method)(**program.inputs(method, known))
    wrong = (~values.isfinite()).nonzero()
    return int(wrong[0, 0]) if len(wrong) and values.ndim else None
