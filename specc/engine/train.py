"""Training: epochs of steps, with a record that a run can go on from, bit for bit."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from specc.data.load import Loaded, load
from specc.data.wanted import VALID, lacking
from specc.engine import checkpoint, device, record
from specc.engine.averages import Averages
from specc.engine.begun import first_facts
from specc.engine.board import Board, writer
from specc.engine.carry import carry
from specc.engine.checkpoint import Counters, Standing
from specc.engine.choice import Choice, choose
from specc.engine.distributed import World, agreed, any_of, joined, known_to_any, wait, world
from specc.engine.log import Log
from specc.engine.opened import OpenRun, data_folder, fresh, open_run, outline
from specc.engine.player import NotCompiled, players_of
from specc.engine.products import has_bfloat16
from specc.engine.progress import Kept, Progress, Quiet, Shown
from specc.engine.resumed import revision, take_up
from specc.engine.settings import Settings, settings_of
from specc.engine.signals import Interruption, interruptible
from specc.engine.step import Step
from specc.engine.stored import WHOLE, Whole
from specc.engine.tally import Tally
from specc.engine.trace import origin_of, wrong_parameter
from specc.engine.visits import order as order_of
from specc.engine.visits import visits
from specc.engine.watch import Watch
from specc.runtime import manifest as manifests
from specc.runtime.failure import INTERRUPTED, RunFailure
from specc.runtime.manifest import Manifest
from specc.runtime.places import located

READ_EVERY = 50
"""Steps between two looks at the numbers on the device."""

SAVE_EVERY = 30.0
"""Seconds between two checkpoints."""

SKIPPED_LIMIT = 20
"""Steps in a row without a finite loss and gradient, after which a run is given up."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a run takes beside its program.

    `spec` is the text that the program was compiled from, kept with the run, and so are `extras`,
    texts by the names of their files. `threads` overrides
    the choice that follows from the sizes. `start` is a run whose weights are taken over where
    they fit, under the names that `moved` gives them. `parts` of the data have to be there, for
    they are measured at the end. `tensorboard` writes the metrics for it, too. `shard` gives each
    of several processes a part of every parameter. `say` is told what a person should know.
    """

    data_dir: Path | None = None
    device: str = "cpu"
    spec: str | None = None
    extras: Mapping[str, str] = field(default_factory=dict)
    resume: bool = False
    quiet: bool = False
    threads: int | None = None
    start: Path | None = None
    moved: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    tensorboard: bool = False
    shard: bool = False
    say: Callable[[str], None] = lambda words: None

    def facts(self) -> dict[str, Any]:
        """What run.json has of them: where the data lie, and the run that this one starts from."""
        data_dir = None if self.data_dir is None else str(self.data_dir.resolve())
        if self.start is None:
            return {"data_dir": data_dir, "start": None}
        start = {"run": str(self.start.resolve()), "moved": dict(self.moved)}
        return {"data_dir": data_dir, "start": start}


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run, still open, with its counters and the metrics of its last epoch.

    `steps` counts those that were made now: none where the run had been finished before.
    """

    opened: OpenRun
    counters: Counters
    metrics: Mapping[str, Any]
    steps: int


def train(code: Path, run: Path, options: Options) -> Trained:
    """Trains the generated program in `code`, recording in the folder `run`.

    Raises RunFailure: E05xx where the data does not fit, before anything is written; E08xx where
    the run cannot go on; E0812 with exit code 75 where it was interrupted, saved and resumable.
    """
    if options.tensorboard:
        writer()
    with joined(device.choose(options.device)) as here:
        hands = _hands(code, options)
        run = Path(agreed(str(run)))
        if here.writes:
            begins = not (options.resume and os.path.lexists(run / record.RUN))
            opened, threads = (_first if begins else _again)(code, run, options, hands)
        wait()
        if not here.writes:
            opened, threads = _again(code, run, options, hands)
        fast = opened.settings.precision == "fast" and opened.device.type == "cuda"
        products = "medium" if fast else "highest"
        if opened.settings.precision == "fast" and not fast and not has_bfloat16():
            options.say("this processor has no bfloat16 units, so `fast` computes in float32")
        with (
            record.locked(run) if here.writes else nullcontext(),
            opened.computing(threads, products),
            interruptible() as interruption,
        ):
            if here.writes and options.resume:
                _revise(code, opened, options)
            wait()
            if hands.saves:
                _warm_up(opened, options)
            wait()
            trained = _Training(opened, options, interruption, here).run()
    return trained if hands is WHOLE else _alone(code, trained, options)


def _alone(code: Path, trained: Trained, options: Options) -> Trained:
    """A run that processes trained together, as the first of them goes on with it alone.

    Figures and pictures take all of the program, from its last checkpoint; the others keep nothing.
    """
    run, settings = trained.opened.folder, trained.opened.settings
    if world().writes:
        opened = open_run(run, code=code, data_dir=options.data_dir, device_name=options.device)
    else:
        opened = replace(trained.opened, program=outline(code, settings), hands=WHOLE)
    return replace(trained, opened=opened)


def _hands(code: Path, options: Options) -> Whole:
    """How the processes hold tensors: all of them, or each a part."""
    if not (options.shard and dist.is_initialized()):
        return WHOLE
    # Torch's sharding takes a second to load, so it is where it is needed.
    from specc.engine.sharded import Parts, check

    check(settings_of(manifests.read(code).train))
    return Parts(device.choose(options.device))


def _first(code: Path, run: Path, options: Options, hands: Whole) -> tuple[OpenRun, int]:
    """A new run folder, after everything that can be checked has been."""
    manifest = manifests.read(code)
    settings, where = settings_of(manifest.train), device.choose(options.device)
    data = _training_data(manifest, settings, options.data_dir, where, options.parts)
    trial = outline(code, settings)
    if options.start is not None:
        carry(options.start, trial, options.moved)
    count = sum(p.numel() for p in trial.parameters())
    threads = options.threads or settings.threads or device.threads_for(count, settings.batch_size)
    facts = first_facts(manifest, settings, data, where, threads) | options.facts()
    record.create(run, code, options.spec, facts, options.extras)
    # From here on the run stands alone: its own copy of the code is what it trains.
    program = fresh(record.facts_of(run)[1], settings, where, hands)
    return OpenRun(run, program, data, settings, where, hands), threads


def _warm_up(opened: OpenRun, options: Options) -> None:
    """Starts from another run's weights, in a checkpoint like any other, so a resume has them."""
    facts, _ = record.facts_of(opened.folder)
    start, hands = facts.get("start"), opened.hands
    if start is None or checkpoint.latest(opened.folder, hands) is not None:
        return
    carried = carry(Path(start["run"]), opened.program, start["moved"], hands)
    if world().writes:
        options.say(carried.sentence())
        record.add_facts(opened.folder, carried=carried.facts())
    players = players_of(opened.program, opened.settings, opened.device)
    means = Averages(opened.program, opened.settings.ema).mean if opened.settings.ema else None
    checkpoint.save(opened.folder, opened.program, players, Standing(), means, hands=hands)


def _revise(code: Path, opened: OpenRun, options: Options) -> None:
    """Takes up another spec, under which the run goes on from its last checkpoint."""
    found = revision(opened.folder, opened.manifest, options.moved)
    if found is not None:
        step = take_up(opened.folder, code, options.spec, options.extras, found)
        options.say(f"under another spec from step {step} on: {'; '.join(found.changes)}")


def _again(code: Path, run: Path, options: Options, hands: Whole) -> tuple[OpenRun, int]:
    """The run in the folder, which must be of this data, and go on under this spec."""
    facts, _ = record.facts_of(run)
    manifest = manifests.read(code)
    revision(run, manifest, options.moved)
    settings, where = settings_of(manifest.train), device.choose(options.device)
    folder = data_folder(facts, options.data_dir)
    data = _training_data(manifest, settings, folder, where, options.parts)
    if facts.get("data_digest") != data.digest:
        raise RunFailure("E0801", f"the data is not what the run in {run} was trained on")
    opened = OpenRun(run, fresh(code, settings, where, hands), data, settings, where, hands)
    return opened, options.threads or int(facts["threads"])


def _training_data(
    manifest: Manifest,
    settings: Settings,
    folder: Path | None,
    where: torch.device,
    parts: tuple[str, ...],
) -> Loaded:
    """The data, with every part that the run takes, now or at its end."""
    if manifest.data is None or not manifest.losses:
        what = "loss" if manifest.data else "data"
        raise RunFailure("E0805", f"the program `{manifest.name}` has no {what} to train on")
    data = load(manifest.data, folder, settings.dtype)
    for name, failure in lacking(manifest, data.parts):
        if name == VALID or name in parts:
            raise failure
    for name in parts:
        data.part(name)
    return data.to(where)


class _Training:
    """The loop, with what changes from step to step."""

    def __init__(
        self, opened: OpenRun, options: Options, interruption: Interruption, here: World
    ) -> None:
        self.opened = opened
        self.here = here
        self.options = options
        self.interruption = interruption
        self.settings = opened.settings
        self.rows = opened.rows("train")
        self.per_epoch, self.total = self.settings.length(visits(self.rows))
        self.epochs = -(-self.total // self.per_epoch)
        self.players = players_of(opened.program, self.settings, opened.device)
        facts, _ = record.facts_of(opened.folder)
        self.step = Step(
            opened.program,
            self.players,
            self.rows,
            self.settings,
            opened.device,
            facts.get("pieces"),
        )
        self.averages: Averages | None = None
        if self.settings.ema is not None:
            self.averages = Averages(opened.program, self.settings.ema)
        self.bases = [
            [group["lr"] for group in player.optimizer.param_groups] for player in self.players
        ]
        self.validates = self.settings.validates_every
        self.watch = Watch()
        self.board: Board | None = None
        self.counters, self.tally, self.log = self._begin()
        self.began_at = self.counters.total
        self.saved_at = time.monotonic()
        self.line: dict[str, Any] = self.log.lines[-1] if self.log.lines else {}
        self.progress: Progress = Quiet()
        if not options.quiet and here.writes:
            name, done = opened.manifest.name, self.counters.total
            self.progress = Kept(Shown(name, self.epochs, self.total, done))

    def run(self) -> Trained:
        """All epochs that are left."""
        self.opened.program.train()
        self._start()
        self._compile()
        with self.progress:
            while self.counters.epoch < self.epochs and not self._is_over():
                self._epoch()
        self._save()
        self._settle()
        self.opened.program.eval()
        made = self.counters.total - self.began_at
        return Trained(self.opened, self.counters, self.line, made)

    def _start(self) -> None:
        """In a new run, what starts from data sees the first batch."""
        if self.is_new:
            order = order_of(self.settings.seed, 0, self.rows, self.opened.device)
            with located(self.opened.program.folder):
                self.step.start(order[: self.settings.batch_size])

    def _compile(self) -> None:
        """Compiles the step, as the run did before or as its settings ask."""
        facts, _ = record.facts_of(self.opened.folder)
        known = facts.get("compile")
        wanted = self.settings.compile if self.here.size == 1 else "off"
        if known is not None:
            wanted = "on" if known["compiled"] else "off"
        left = self.total - self.counters.total
        with located(self.opened.program.folder):
            try:
                choice = choose(self.step, wanted, left)
            except NotCompiled as reason:
                self.step.compiled.clear()
                choice = Choice(False, str(reason))
        for update in self.step.compiled.values():
            update.forget()
        if known is None and wanted != "off":
            verb = "is" if choice.compiled else "is not"
            self.options.say(f"the step {verb} compiled: {choice.reason}")
            record.add_facts(self.opened.folder, compile=choice.facts())

    def _is_over(self) -> bool:
        """Whether the validation loss has not improved for too long."""
        patience = self.settings.patience
        return patience is not None and self.watch.since >= patience.patience

    def _settle(self) -> None:
        """Puts the weights into place that the run ends with: the best, the mean, or the last."""
        run, hands = self.opened.folder, self.opened.hands
        wait()
        found = None
        if self.settings.patience is not None:
            found = checkpoint.best(run, hands, self.watch)
        found = found or (checkpoint.latest(run, hands) if self.averages is not None else None)
        if found is not None:
            checkpoint.use(found, self.opened.program, hands)

    def _begin(self) -> tuple[Counters, Tally, Log]:
        """Takes up the last checkpoint, if there is one."""
        run, hands = self.opened.folder, self.opened.hands
        found = checkpoint.latest(run, hands)
        self.is_new = found is None
        counters = Counters()
        if found:
            counters = found.standing_in(self.per_epoch, self.total)
            means = None if self.averages is None else self.averages.mean
            checkpoint.restore(found, self.opened.program, self.players, means, hands)
            self.watch = found.watch
            if self.settings.patience is not None:
                checkpoint.best(run, hands, self.watch)
        lines = Log(run, found.metrics if found else None, writes=self.here.writes)
        if self.options.tensorboard and self.here.writes:
            self.board = Board(run, lines.lines)
        self._set_rate(counters.total)
        return counters, Tally(found.tally if found else None), lines

    def _epoch(self) -> None:
        counters, size = self.counters, self.settings.batch_size
        order = order_of(self.settings.seed, counters.epoch, self.rows, self.opened.device)
        began = time.monotonic()
        with located(self.opened.program.folder):
            for number in range(counters.step, self._end(counters.epoch)):
                self._set_rate(self.counters.total)
                self.tally.add(
                    self.step(counters.epoch, number, order[number * size : (number + 1) * size])
                )
                if self.averages is not None:
                    self.averages.update(self.counters.total)
                self._count(number)
                self._look_up(order, number)
        self._end_epoch(time.monotonic() - began)

    def _end(self, epoch: int) -> int:
        """The steps of an epoch; the last one may be shorter."""
        return min(self.per_epoch, self.total - epoch * self.per_epoch)

    def _count(self, number: int) -> None:
        total = self.counters.total + 1
        self.counters = replace(self.counters, step=number + 1, total=total)
        self.progress.step(total)

    def _look_up(self, order: Tensor, number: int) -> None:
        """Between two steps: reads numbers, saves, and stops, where it is time to."""
        last = number + 1 == self._end(self.counters.epoch)
        looks = last or (number + 1) % READ_EVERY == 0
        if self.here.size == 1:
            stops = self.interruption.requested
        else:  # asked now and then, for all of them have to answer
            stops = looks and any_of(self.interruption.requested, self.opened.device)
        if stops:
            self._interrupt()
        if not looks:
            return
        self.tally.read()
        if self.tally.skipped_in_a_row >= min(SKIPPED_LIMIT, self.total):
            self._give_up(order, number)
        if not last:
            self._save_now_and_then()

    def _end_epoch(self, seconds: float) -> None:
        done = self.counters
        means = self.tally.means()
        self.counters = replace(
            done,
            epoch=done.epoch + 1,
            step=0,
            skipped=done.skipped + self.tally.skipped,
            seconds=done.seconds + seconds,
        )
        self.line = {
            "epoch": self.counters.epoch,
            "step": done.total,
            "loss": means[self.tally.names[0]],
            "parts": means,
            "lr": self.players[0].optimizer.param_groups[0]["lr"],
            "skipped": self.tally.skipped,
            "seconds": round(seconds, 4),
            "memory": device.peak_memory(self.opened.device),
        }
        if self.validates and self.counters.epoch % self.validates == 0:
            with self.averages.in_place() if self.averages is not None else nullcontext():
                self._validate()
        self.tally = self.tally.next_epoch()
        if self.here.writes:
            self.log.append(self.line)
        if self.board is not None:
            self.board.line(self.line)
        self.progress.epoch(self.line)
        self._save_now_and_then()

    def _validate(self) -> None:
        """The loss on held-out rows, and what follows from it."""
        valid = self.opened.rows("valid")
        self.line["valid"] = self.step.measure(valid, self.settings.batch_size)
        loss, step = self.line["valid"]["loss"], self.counters.total
        self.watch = self.watch.after(loss, step, *self._patience())
        run, program, hands = self.opened.folder, self.opened.program, self.opened.hands
        keeps = self.settings.patience is not None and hands.saves
        if self.watch.improved and keeps:
            checkpoint.save_best(run, program, self.counters, hands)

    def _patience(self) -> tuple[float, int]:
        """What counts as an improvement, and how long the rate waits for one."""
        patience = self.settings.patience
        course = self.settings.course
        waits = course.patience if course.kind == "plateau" else sys.maxsize
        return (0.0 if patience is None else patience.least), waits

    def _set_rate(self, step: int) -> None:
        for player, bases in zip(self.players, self.bases, strict=True):
            for group, base in zip(player.optimizer.param_groups, bases, strict=True):
                group["lr"] = self.settings.course.rate(base, step, self.total, self.watch.falls)

    def _save_now_and_then(self) -> None:
        """Saves where the last time is long ago in any process, for they save together."""
        if any_of(time.monotonic() - self.saved_at > SAVE_EVERY, self.opened.device):
            self._save()

    def _save(self) -> None:
        self.tally.read()
        self.saved_at = time.monotonic()
        hands = self.opened.hands
        if not hands.saves:
            return
        run, program = self.opened.folder, self.opened.program
        mean = None if self.averages is None else self.averages.mean
        if self.here.writes:
            self.log.sync()
        standing = Standing(self.counters, self.tally.state(), self.watch, self.log.state())
        checkpoint.save(run, program, self.players, standing, mean, self.settings.keep, hands)
        self.saved_at = time.monotonic()

    def _interrupt(self) -> None:
        self._save()
        message = f"interrupted after step {self.counters.total} of {self.total}; the run is saved"
        hint = f"`--resume` goes on from there, in {self.opened.folder}"
        wait()
        raise RunFailure("E0812", message, hint=hint, exit_code=INTERRUPTED)

    def _give_up(self, order: Tensor, number: int) -> None:
        """Says where the numbers go wrong. The checkpoint before stays the last one."""
        size, epoch = self.settings.batch_size, self.counters.epoch
        index = order[number * size : (number + 1) * size]
        program = self.opened.program
        origin = origin_of(lambda: self.step.loss_again(epoch, number, index), program.folder)
        parameter = known_to_any(wrong_parameter(program))
        what = f"the gradient of `{parameter}`" if origin is None else "the loss"
        message = (
            f"training stopped in epoch {epoch + 1}: {what} was not finite in "
            f"{self.tally.skipped_in_a_row} steps in a row"
        )
        hint = f"{origin}; " if origin else ""
        place = origin.place.at if origin and origin.place else ""
        hint += "a lower learning rate may help"
        raise RunFailure("E0804", message, hint=hint, place=place)
