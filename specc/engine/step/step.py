"""One training step: the batch, and the loss, gradient and update of every player.

A step updates the parameters, the optimizers and the state of the losses in place. Its random
numbers depend on three counters alone (seed, epoch, step). On a GPU the CPU waits for the device
only if an optimizer cannot omit an update by itself (`specc.engine.step.player`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from typing import Protocol

import torch
from torch import Tensor, nn

from specc.data.load import Batch, RowIndex, Rows
from specc.data.unpaired import Unpaired
from specc.engine.distributed import all_reduce, broadcast, sum_gradients, world
from specc.engine.order.batch_order import steps_per_epoch
from specc.engine.order.streams import Stream, noise_at
from specc.engine.schedule.scalars import Position, final_scalars, scalars_at
from specc.engine.settings import Settings
from specc.engine.step.loss_state import LossState, Update, of_new_rows
from specc.engine.step.matmul_precision import matmul_precision
from specc.engine.step.player import Player, StepResult
from specc.engine.step.subsample import subsampled
from specc.runtime import after_update
from specc.runtime.bijections.data_dependent_init import initializing, needs_initialization
from specc.runtime.losses import Loss, LossResult, metric_names
from specc.runtime.noise import Noise, mix
from specc.runtime.program import Program
from specc.runtime.stages import Stage, belongs


class CompiledUpdate(Protocol):
    """The update of one player as a compiled graph, for batches of one size."""

    def fits(self, batch: Batch) -> bool:
        """Whether the batch has as many rows as the graph takes."""

    def __call__(self, batch: Batch, noise: Noise, scalars: Mapping[str, float]) -> StepResult:
        """Makes one update under the scalars of the step."""

    def gradient(
        self, batch: Batch, noise: Noise, scalars: Mapping[str, float]
    ) -> tuple[StepResult, tuple[Tensor | None, ...]]:
        """The metrics and the gradient of each parameter; only the state of the loss is updated."""

    def reset(self) -> None:
        """Looks up the tensors of the optimizer again, after they are replaced."""


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """A part of a batch: its number, its fraction of the rows, the rows, and their numbers."""

    number: int
    fraction: float
    batch: Batch
    index: RowIndex


@dataclass(frozen=True, slots=True)
class UpdateIndex:
    """The counters of an update: its epoch, its step, and its number in the step.

    A player with `steps: k` makes the updates 0 to k - 1 in each step.
    """

    epoch: int
    step: int
    update: int = 0

    def counters(self, *others: int) -> tuple[int, ...]:
        """The counters of the random numbers of this update."""
        found = (self.epoch, self.step, *others)
        return (*found, self.update) if self.update else found


@dataclass(frozen=True, slots=True)
class Gradient:
    """The gradient of a player's loss, by its parameters, with the metrics.

    `update` has the state after the step; it is None if the state is updated already.
    """

    result: StepResult
    update: Update | None
    values: tuple[Tensor | None, ...]


class Step:
    """The training step of a program, called with an epoch, a step and row indices."""

    def __init__(
        self,
        program: Program,
        players: Sequence[Player],
        rows: Rows | Unpaired,
        settings: Settings,
        device: torch.device,
        pieces: int | None = None,
        stage: Stage | None = None,
    ) -> None:
        """By default the step of a program with a single stage.

        The state is that of all losses of the program, also of those of other stages.
        """
        self.stage = stage or program.manifest.stages[0]
        self.first_epoch = 0
        self.world = world()
        self.program = program
        self.players = tuple(players)
        self.losses = tuple(player.loss for player in self.players)
        self.rows = rows
        self.settings = settings
        self.observed = rows.observed_fractions(visits=True)
        self.seed = settings.seed
        self.pieces = pieces or max(settings.accumulate, self.world.size)
        every = self.losses if stage is None else program.manifest.losses
        pieces, count = self.pieces, rows.count
        self.state = LossState(every, settings.dtype, device, pieces, self.seed, count)
        self.device = device
        self.has_dropout = any(
            isinstance(m, nn.modules.dropout._DropoutNd) for m in program.modules()
        )
        self.is_simultaneous = self.stage.order == "simultaneous"
        self.is_sharded = any(player.sharded for player in self.players)
        persistent = program.state_dict()
        self.buffers = [tensor for name, tensor in program.named_buffers() if name in persistent]
        self.size = settings.batch_size
        self.matmul_precision = matmul_precision(settings.precision, device)
        self.compiled: dict[int, CompiledUpdate] = {}
        self.subsampled = subsampled(program, self.players, rows, self.size, self.pieces)

    def example(self, number: int) -> tuple[Batch, Noise, dict[str, float]]:
        """The batch, noise and scalars of the first update of player `number`."""
        index = self.rows.example(self.size, self.device)
        batch = self.rows.batch(index, self._noise(Stream.DATA, 0, 0))
        noise = self._loss_noise(UpdateIndex(0, 0), number, 0)
        return batch, noise, self.scalars(self.players[number], self.first_epoch, 0)

    @torch.no_grad()
    def start(self, index: RowIndex) -> None:
        """Runs data-dependent initialization on the rows at `index`, in every process.

        Sharded parameters cannot be initialized from a batch and are left as they are, and so are
        tensors that an earlier stage trained.
        """
        if self.is_sharded or not needs_initialization(self.program):
            return
        earlier = self.program.manifest.stages[: self.stage.number]
        owners = {owner for own in earlier for loss in own.losses for owner in loss.parameters}
        tensors = self.program.state_dict().items()
        kept = [(t, t.clone()) for name, t in tensors if belongs(name, owners)]
        batch = self.rows.batch(index, self._noise(Stream.DATA, 0, 0))
        for number, player in enumerate(self.players):
            name, state = player.loss.name, self.state.of_piece(player.loss.name, 0, index)
            noise = self._loss_noise(UpdateIndex(0, 0), number, 0)
            scalars = final_scalars(player.loss, len(self.rows), self.observed)
            with self.matmul_precision, initializing():
                self.program.loss(name, state, batch, noise, scalars)
        for tensor, before in kept:
            tensor.copy_(before)
        if not earlier:
            after_update.start(self.program, self.program.manifest.after_update)

    @property
    def updates(self) -> int:
        """The largest number of updates of a player in a step."""
        return max(player.settings.steps for player in self.players)

    def __call__(self, epoch: int, step: int, *indices: RowIndex) -> StepResult:
        """Updates the players, each as often as its `steps`: in turn, or all at the same time.

        Update k of every player is on the rows `indices[k]`, one index for each of the `updates`.
        """
        if self.has_dropout:
            torch.manual_seed(mix(self.seed, Stream.DROPOUT, epoch, step))
        updates = [UpdateIndex(epoch, step, update) for update in range(self.updates)]
        pairs = zip(updates, indices, strict=True)
        batches = [list(self._batches(at, index)) for at, index in pairs]
        move = self._update_simultaneous if self.is_simultaneous else self._update_alternating
        results = [made[0] if len(made) == 1 else _mean(made) for made in move(updates, batches)]
        broadcast(self.buffers)  # running statistics of layers differ from process to process
        return _joined(self.losses, results)

    def _update_alternating(
        self, updates: Sequence[UpdateIndex], batches: Sequence[Sequence[MicroBatch]]
    ) -> list[list[StepResult]]:
        """The updates of each player, from the parameters that the players before it updated."""
        return [
            [
                self._update(player, batches[at.update], number, at)
                for at in updates[: player.settings.steps]
            ]
            for number, player in enumerate(self.players)
        ]

    def _update_simultaneous(
        self, updates: Sequence[UpdateIndex], batches: Sequence[Sequence[MicroBatch]]
    ) -> list[list[StepResult]]:
        """The updates of each player: the gradients of update k use the same parameters."""
        made: list[list[StepResult]] = [[] for _ in self.players]
        for at in updates:
            moving = [n for n, p in enumerate(self.players) if at.update < p.settings.steps]
            found = [self._gradient(n, batches[at.update], at) for n in moving]
            for number, gradient in zip(moving, found, strict=True):
                made[number].append(self._apply(number, gradient))
        return made

    def _batches(self, at: UpdateIndex, index: RowIndex) -> Iterator[MicroBatch]:
        """The micro-batches of a batch that this process computes.

        A process without one computes micro-batch 0 with the fraction 0, to know the names of the
        metrics. If parameters are sharded all processes compute equally many micro-batches, since
        each takes part in the computations of the others.
        """
        pieces = self.rows.micro_batches(index, self.pieces)
        mine = [number for number in range(len(pieces)) if self.world.owns(number)]
        fractions = [(number, pieces[number][1]) for number in mine]
        least = -(-len(pieces) // self.world.size) if self.is_sharded else 1
        stream = Stream.DATA if at.update == 0 else Stream.DATA_OF_UPDATE
        for number, fraction in fractions + [(0, 0.0)] * (least - len(mine)):
            counters = at.counters(number) if self.pieces > 1 else at.counters()
            noise = self._noise(stream, *counters)
            piece = pieces[number][0]
            yield MicroBatch(number, fraction, self.rows.batch(piece, noise), piece)

    def loss_again(self, epoch: int, step: int, *indices: RowIndex) -> None:
        """Computes the losses of that step once more, without an update."""
        for update, index in enumerate(indices):
            at = UpdateIndex(epoch, step, update)
            for batch in self._batches(at, index):
                self._losses(batch, at)

    def _losses(self, batch: MicroBatch, at: UpdateIndex) -> None:
        """Computes the losses of the players that make this update."""
        with self.elements_of([batch]) as (given,):
            for number, player in enumerate(self.players):
                if at.update < player.settings.steps:
                    self._loss(player, number, given, at)

    def _loss(self, player: Player, number: int, batch: MicroBatch, at: UpdateIndex) -> LossResult:
        """The loss of a micro-batch, from the state before the update."""
        name = player.loss.name
        state = self.state.of_piece(name, batch.number, batch.index)
        noise = self._loss_noise(at, number, batch.number)
        scalars = self.scalars(player, at.epoch, at.step)
        with self.matmul_precision:
            return self.program.loss(name, state, batch.batch, noise, scalars)

    @torch.no_grad()
    def measure(self, rows: Rows | Unpaired, batch_size: int) -> dict[str, float]:
        """The validation losses and their metrics, under the same draws at every call.

        Each is the mean over batches, weighted by their rows, so a smaller last batch has no larger
        weight. `loss` is the loss of the first player, which validation follows; with several
        players every loss also has an entry under the name of its player.
        """
        self.program.eval()
        self.state.gather()
        scalars = [
            final_scalars(p.loss, len(self.rows), rows.observed_fractions()) for p in self.players
        ]
        means: dict[str, float] = {}
        size = len(rows) if self.program.manifest.coupled else batch_size
        for start, index, weight in rows.slices(size):
            batch = rows.batch(index, self._noise(Stream.VALIDATE, start))
            count = len(next(iter(batch.values())))
            for number, player in enumerate(self.players):
                noise, name = self._noise(Stream.VALIDATE, start, number), player.loss.name
                at = self._noise(Stream.VALIDATE, start, number, 1)
                state = of_new_rows(player.loss, self.state.tensors[name], count, at)
                result = self.program.loss(name, state, batch, noise, scalars[number])
                keys = metric_names(self.losses, player.loss, ("loss", *result.metrics))
                for key, value in zip(keys, (result.loss, *result.metrics.values()), strict=True):
                    means[key] = means.get(key, 0.0) + weight * value.item()
        self.program.train()
        (first,) = metric_names(self.losses, self.losses[0], ("loss",))
        return {"loss": means[first], **means}

    def _noise(self, stream: Stream, *counters: int) -> Noise:
        return noise_at(self.seed, stream, *counters, device=self.device)

    def scalars(self, player: Player, epoch: int, step: int) -> dict[str, float]:
        """The scalars of a player's loss at that step of that epoch."""
        per_epoch = steps_per_epoch(self.rows, self.settings.batch_size)
        total = self.settings.total(per_epoch)
        done = (epoch - self.first_epoch) * per_epoch + step
        at = Position(done, total, len(self.rows), self.observed)
        return scalars_at(player.loss, at)

    def _loss_noise(self, at: UpdateIndex, player: int, piece: int) -> Noise:
        numbers = (player, piece) if self.pieces > 1 else (player,)
        stream = Stream.LOSS if at.update == 0 else Stream.LOSS_OF_UPDATE
        return self._noise(stream, *at.counters(*numbers))

    def _update(
        self, player: Player, pieces: Sequence[MicroBatch], number: int, at: UpdateIndex
    ) -> StepResult:
        """Updates a player on micro-batches of a batch, and the tensors that follow it."""
        with self.elements_of(pieces) as given:
            return self._update_elements(player, given, number, at)

    @contextmanager
    def elements_of(self, pieces: Sequence[MicroBatch]) -> Iterator[Sequence[MicroBatch]]:
        """Has those elements of subsampled plates that the batch names, and their numbers in it."""
        if self.subsampled is None:
            yield pieces
            return
        (piece,) = pieces
        with self.subsampled.elements_of(piece.batch) as batch:
            yield (replace(piece, batch=batch),)

    def _update_elements(
        self, player: Player, pieces: Sequence[MicroBatch], number: int, at: UpdateIndex
    ) -> StepResult:
        compiled = self._compiled(number, pieces)
        if compiled is not None:
            noise = self._loss_noise(at, number, 0)
            result = compiled(pieces[0].batch, noise, self.scalars(player, at.epoch, at.step))
            self.program.after_update(player.loss.name, result.skipped)
            return result
        return self._apply(number, self._gradient(number, pieces, at))

    def _compiled(self, number: int, pieces: Sequence[MicroBatch]) -> CompiledUpdate | None:
        """The compiled update of a player, if it takes the batch."""
        compiled = self.compiled.get(number)
        fits = compiled is not None and len(pieces) == 1 and compiled.fits(pieces[0].batch)
        return compiled if fits else None

    def _gradient(self, number: int, pieces: Sequence[MicroBatch], at: UpdateIndex) -> Gradient:
        """The gradient of a player's loss and the state after the step; neither is applied."""
        player = self.players[number]
        compiled = self._compiled(number, pieces)
        if compiled is not None:
            batch, noise = pieces[0].batch, self._loss_noise(at, number, 0)
            scalars = self.scalars(player, at.epoch, at.step)
            result, gradient = compiled.gradient(batch, noise, scalars)
            return Gradient(result, None, gradient)
        player.zero_grad()
        update = self.state.update(player.loss.name)
        names: tuple[str, ...] = ()
        sums: Tensor | None = None
        for piece in pieces:
            fraction = piece.fraction
            loss, state, metrics = self._loss(player, number, piece, at)
            player.backward(loss if fraction == 1.0 else fraction * loss)
            with torch.no_grad():
                values = fraction * torch.stack([loss, *metrics.values()])
            sums = values if sums is None else sums + values
            names = ("loss", *metrics)
            update.add(piece.number, fraction, state, piece.index)
        assert sums is not None
        player.shard_gradients()
        if self.world.size > 1:
            sum_gradients(player.replicated)
            (sums,) = all_reduce([sums])
            update.reduce()
        skipped = _is_not_finite(sums[0], player.parameters, update.values())
        if self.is_sharded or update.is_sharded:  # each process checks its rows alone
            skipped = all_reduce([skipped])[0].clamp_(max=1.0)
        found = tuple(own.grad for own in player.parameters)
        return Gradient(StepResult(names, sums, skipped), update, found)

    def _apply(self, number: int, gradient: Gradient) -> StepResult:
        """Updates the parameters of a player by a gradient, and the tensors that follow them."""
        player, result = self.players[number], gradient.result
        for own, value in zip(player.parameters, gradient.values, strict=True):
            own.grad = value  # another player may have computed its gradient in between
        if gradient.update is not None:
            gradient.update.apply(result.skipped)
        player.apply(result.skipped)
        self.program.after_update(player.loss.name, result.skipped)
        return result


@torch.no_grad()
def _is_not_finite(
    loss: Tensor, parameters: Sequence[nn.Parameter], state: Sequence[Tensor]
) -> Tensor:
    """1 if the loss, a gradient or the state after the step is not finite, else 0.

    A sum is finite only if all its terms are, and is the cheapest test.
    """
    sums = [p.grad.sum() for p in parameters if p.grad is not None]
    total = torch.stack([loss.detach(), *sums, *(value.sum() for value in state)]).sum()
    return torch.isfinite(total).logical_not_().to(torch.float32)


def _mean(updates: Sequence[StepResult]) -> StepResult:
    """The mean over the updates of one player; skipped if one of them is."""
    values = torch.stack([update.values for update in updates]).mean(0)
    skipped = torch.stack([update.skipped for update in updates]).amax(0)
    return StepResult(updates[0].names, values, skipped)


def _joined(losses: Sequence[Loss], results: Sequence[StepResult]) -> StepResult:
    """The results of all players as one, with the metrics of each under their names."""
    pairs = zip(losses, results, strict=True)
    names = (metric_names(losses, loss, result.names) for loss, result in pairs)
    values = torch.cat([result.values for result in results])
    skipped = torch.stack([result.skipped for result in results]).amax(0)
    return StepResult(tuple(chain.from_iterable(names)), values, skipped)
