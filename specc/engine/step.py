"""One training step as a whole: batch, loss, gradient, update, and the numbers worth keeping.

A step is a function of the program's state and of three counters (seed, epoch, step); nothing in
it waits for the device or is remembered outside of `Player`s and `Tally`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from specc.data.load import Batch, Rows
from specc.engine.distributed import follow, sum_gradients, summed, world
from specc.engine.player import NotCompiled, Outcome, Player
from specc.engine.products import products
from specc.engine.settings import Settings
from specc.engine.streams import Stream, noise_at
from specc.engine.visits import visits
from specc.runtime.bijections.starting import starting, wants_start
from specc.runtime.noise import Noise, mix
from specc.runtime.program import Program

if TYPE_CHECKING:
    from specc.engine.compiled import CompiledUpdate


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a batch: its number, its share of the rows, and the rows."""

    number: int
    share: float
    batch: Batch


class Step:
    """The step of a program on its training rows, called with an epoch, a step and row numbers."""

    def __init__(
        self,
        program: Program,
        players: Sequence[Player],
        rows: Rows,
        settings: Settings,
        device: torch.device,
        pieces: int | None = None,
    ) -> None:
        self.world = world()
        self.program = program
        self.players = tuple(players)
        self.rows = rows
        self.settings = settings
        self.shares = rows.shares(visits=True)
        self.seed = settings.seed
        self.pieces = pieces or max(settings.accumulate, self.world.size)
        self.device = device
        self.has_dropout = any(
            isinstance(m, nn.modules.dropout._DropoutNd) for m in program.modules()
        )
        self.is_shared = any(player.parts for player in self.players)
        kept = program.state_dict()
        self.buffers = [tensor for name, tensor in program.named_buffers() if name in kept]
        self.size = settings.batch_size
        self.products = products(settings.precision, device)
        self.compiled: dict[int, CompiledUpdate] = {}

    def compile(self) -> None:
        """Compiles the updates on whole batches; what is left over is computed as it was.

        Raises NotCompiled, with the reason, where a step cannot be compiled.
        """
        if self.has_dropout:
            raise NotCompiled("it has dropout, whose numbers would be others")
        if self.is_shared:
            raise NotCompiled("its parameters are shared out")
        if self.pieces > 1 or len(self.rows) < self.size:
            raise NotCompiled("its batches come in pieces")
        # Torch's compiler takes more than a second to load, so it is where it is needed.
        from specc.engine.compiled import CompiledUpdate

        index = torch.arange(self.size, device=self.device)
        batch = self.rows.batch(index, self._noise(Stream.DATA, 0, 0))
        for number, player in enumerate(self.players):
            noise = self._loss_noise(0, 0, number, 0)
            size, within = len(self.rows), self.products
            update = CompiledUpdate(self.program, player, batch, noise, size, within, self.shares)
            self.compiled[number] = update

    @torch.no_grad()
    def start(self, index: Tensor) -> None:
        """Lets what starts from data see the rows at `index`, all of them in every process.

        Parts of a tensor cannot be set from a batch: where tensors are shared out they start as
        they are made.
        """
        if self.is_shared or not wants_start(self.program):
            return
        batch = self.rows.batch(index, self._noise(Stream.DATA, 0, 0))
        for number, player in enumerate(self.players):
            with self.products, starting():
                self._loss(player, batch, self._loss_noise(0, 0, number, 0), 1.0)

    def __call__(self, epoch: int, step: int, index: Tensor) -> Outcome:
        """Updates every player once on the rows at `index`."""
        if self.has_dropout:
            torch.manual_seed(mix(self.seed, Stream.DROPOUT, epoch, step))
        batches = list(self._batches(epoch, step, index))
        outcomes = [self._update(p, batches, i, epoch, step) for i, p in enumerate(self.players)]
        follow(self.buffers)  # means that layers keep are those of the rows that each has seen
        return _joined(self.players, outcomes)

    def _batches(self, epoch: int, step: int, index: Tensor) -> Iterator[Piece]:
        """The pieces of a batch that this process computes.

        One without a piece of its own takes the first with no share, to know its parts by name; and
        with parameters that are shared out, so that all compute equally often, for each takes part
        in the computations of the others.
        """
        pieces = [p for p in index.tensor_split(self.pieces) if len(p)] or [index]
        mine = [number for number in range(len(pieces)) if self.world.owns(number)]
        shares = [(number, len(pieces[number]) / max(len(index), 1)) for number in mine]
        least = -(-len(pieces) // self.world.size) if self.is_shared else 1
        for number, share in shares + [(0, 0.0)] * (least - len(mine)):
            own = (number,) if self.pieces > 1 else ()
            noise = self._noise(Stream.DATA, epoch, step, *own)
            yield Piece(number, share, self.rows.batch(pieces[number], noise))

    def loss_again(self, epoch: int, step: int, index: Tensor) -> None:
        """Computes the losses of that step once more, without an update, to look into them."""
        for piece in self._batches(epoch, step, index):
            for number, player in enumerate(self.players):
                noise = self._loss_noise(epoch, step, number, piece.number)
                weight = self.kl_weight(player, epoch, step)
                with self.products:
                    self._loss(player, piece.batch, noise, weight)

    def _loss(
        self, player: Player, batch: Batch, noise: Noise, weight: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        name, size = player.loss.name, len(self.rows)
        return self.program.loss(name, batch, noise, size, weight, self.shares)

    @torch.no_grad()
    def measure(self, rows: Rows, batch_size: int) -> dict[str, float]:
        """The losses of held-out rows and their parts, under the same draws at every call.

        Each is the mean over batches, weighted by their rows, so it does not depend on how a last
        batch falls short. `loss` is what validation watches: the loss of the first player; with
        several players every loss is there under the name of its player, too.
        """
        self.program.eval()
        shares, data_size = rows.shares(), len(self.rows)
        means: dict[str, float] = {}
        for start in range(0, len(rows), batch_size):
            index = slice(start, min(start + batch_size, len(rows)))
            batch = rows.batch(index, self._noise(Stream.VALIDATE, start))
            weight = (index.stop - index.start) / len(rows)
            for number, player in enumerate(self.players):
                noise, name = self._noise(Stream.VALIDATE, start, number), player.loss.name
                loss, parts = self.program.loss(name, batch, noise, data_size, shares=shares)
                own = _names(self.players, number, ("loss", *parts))
                for key, value in zip(own, (loss, *parts.values()), strict=True):
                    means[key] = means.get(key, 0.0) + weight * value.item()
        self.program.train()
        first = _names(self.players, 0, ("loss",))[0]
        return {"loss": means[first], **means}

    def _noise(self, stream: Stream, *counters: int) -> Noise:
        return noise_at(self.seed, stream, *counters, device=self.device)

    def kl_weight(self, player: Player, epoch: int, step: int) -> float:
        """The factor of divergences at that step: it rises from 0 to 1 in the warm-up's share."""
        per_epoch, total = self.settings.length(visits(self.rows))
        rising = player.loss.warm_up * total
        return min(1.0, (epoch * per_epoch + step) / rising) if rising else 1.0

    def _loss_noise(self, epoch: int, step: int, player: int, piece: int) -> Noise:
        own = (piece,) if self.pieces > 1 else ()
        return self._noise(Stream.LOSS, epoch, step, player, *own)

    def _update(
        self,
        player: Player,
        pieces: Sequence[Piece],
        number: int,
        epoch: int,
        step: int,
    ) -> Outcome:
        update = self.compiled.get(number)
        if update is not None and len(pieces) == 1 and update.fits(pieces[0].batch):
            noise = self._loss_noise(epoch, step, number, 0)
            return update(pieces[0].batch, noise, self.kl_weight(player, epoch, step))
        player.forget()
        names: tuple[str, ...] = ()
        sums: Tensor | None = None
        for piece in pieces:
            share, batch = piece.share, piece.batch
            noise = self._loss_noise(epoch, step, number, piece.number)
            weight = self.kl_weight(player, epoch, step)
            with self.products:
                loss, parts = self._loss(player, batch, noise, weight)
            (loss if share == 1.0 else share * loss).backward()  # type: ignore[no-untyped-call]
            with torch.no_grad():
                values = share * torch.stack([loss, *parts.values()])
            sums = values if sums is None else sums + values
            names = ("loss", *parts)
        assert sums is not None
        player.take()
        if self.world.size > 1:
            sum_gradients(player.alike)
            (sums,) = summed([sums])
        skipped = _not_finite(sums[0], player.parameters)
        if self.is_shared:  # a process sees its own rows
            skipped = summed([skipped])[0].clamp_(max=1.0)
        player.apply(skipped)
        return Outcome(names, sums, skipped)


@torch.no_grad()
def _not_finite(loss: Tensor, parameters: Sequence[nn.Parameter]) -> Tensor:
    """1 where the loss or a gradient is not finite, else 0.

    A sum is finite only where all its terms are, and is the cheapest thing that knows.
    """
    sums = [p.grad.sum() for p in parameters if p.grad is not None]
    total = torch.stack([loss.detach(), *sums]).sum()
    return torch.isfinite(total).logical_not_().to(torch.float32)


def _names(players: Sequence[Player], number: int, names: Sequence[str]) -> tuple[str, ...]:
    """What a player's numbers are called: as they are, or after the player among several."""
    if len(players) == 1:
        return tuple(names)
    return tuple(f"{players[number].loss.name} {name}" for name in names)


def _joined(players: Sequence[Player], outcomes: Sequence[Outcome]) -> Outcome:
    named = (_names(players, number, outcome.names) for number, outcome in enumerate(outcomes))
    values = torch.cat([outcome.values for outcome in outcomes])
    skipped = torch.stack([outcome.skipped for outcome in outcomes]).amax(0)
    return Outcome(tuple(chain.from_iterable(named)), values, skipped)
