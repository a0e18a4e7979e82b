"""The state of losses: tensors that one step passes to the next, such as a running baseline.

A batch may be split into micro-batches, on one process or several. The state after a step does not
depend on which process computes which micro-batch:

    replicated   every micro-batch reads the tensor before the step; after it the tensor is
                 sum_i w_i t_i, with t_i the result of micro-batch i and w_i its fraction of rows
    sharded      micro-batch i of n reads and returns part i of n along the first axis alone
    rows         a micro-batch reads and returns the values of its training rows

A skipped step leaves the state unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from specc.data.load import RowIndex
from specc.engine.distributed import all_reduce, broadcast, world
from specc.engine.order.streams import Stream, noise_at
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.losses import Loss, State, StateTensor
from specc.runtime.noise import Noise

FLOATS = ("float32", "float64")


class LossState:
    """The state of every loss of a program, for batches of `pieces` micro-batches."""

    def __init__(
        self,
        losses: Sequence[Loss],
        dtype: torch.dtype,
        device: torch.device,
        pieces: int = 1,
        seed: int = 0,
        rows: int = 0,
    ) -> None:
        """The initial state, for a number of training rows.

        The noise in it is that of `seed`, the same in every process.

        Raises RunFailure: E0808, if a sharded tensor has too few rows; E0844, if a tensor with a
        value for each row is too large.
        """
        self.pieces = pieces
        self.declared = {loss.name: {own.name: own for own in loss.state} for loss in losses}
        self.tensors = {
            name: {
                key: _initial(
                    own, rows, dtype, noise_at(seed, Stream.STATE, loss, n, device=device)
                )
                for n, (key, own) in enumerate(declared.items())
            }
            for loss, (name, declared) in enumerate(self.declared.items())
        }
        for loss, own in self._each():
            if own.is_sharded and own.shape[0] < pieces:
                message = (
                    f"the state `{own.name}` of the loss `{loss}` has {own.shape[0]} rows, "
                    f"too few for the {pieces} micro-batches of a batch"
                )
                hint = f"split a batch into at most {own.shape[0]} micro-batches"
                raise RunFailure("E0808", message, hint=hint, exit_code=USAGE)

    def _each(self) -> Iterator[tuple[str, StateTensor]]:
        for loss, declared in self.declared.items():
            for own in declared.values():
                yield loss, own

    def of_piece(self, loss: str, piece: int, index: RowIndex = slice(None)) -> dict[str, Tensor]:
        """The state before a step, as the micro-batch of that number and these rows reads it."""
        found = {}
        for name, own in self.declared[loss].items():
            whole = self.tensors[loss][name]
            found[name] = self._part(loss, own, piece) if own.is_sharded else whole
            if own.of_rows:
                assert not isinstance(index, tuple), "one source"
                found[name] = whole[index]
        return found

    def _part(self, loss: str, own: StateTensor, piece: int) -> Tensor:
        return self.tensors[loss][own.name].tensor_split(self.pieces)[piece]

    def update(self, loss: str) -> Update:
        """An update of the state of a loss, to which each micro-batch adds its result."""
        return Update(self, loss)

    def named(self) -> dict[str, Tensor]:
        """Every tensor, as `<loss>/<name>`."""
        return {
            f"{loss}/{name}": tensor
            for loss, own in self.tensors.items()
            for name, tensor in own.items()
        }

    def gather(self) -> None:
        """Copies all parts of sharded tensors to every process; all processes call it together."""
        for loss, own in self._each():
            if own.is_sharded:
                for piece in range(self.pieces):
                    broadcast([self._part(loss, own, piece)], source=piece % world().size)


class Update:
    """The state of one loss after the micro-batches of a batch, before it is checked."""

    def __init__(self, state: LossState, loss: str) -> None:
        self._state, self._loss = state, loss
        self._declared = state.declared[loss]
        self._means: dict[str, Tensor] = {}
        self._parts: list[tuple[Tensor, Tensor]] = []
        self._rows: list[tuple[str, RowIndex, Tensor]] = []

    @property
    def is_sharded(self) -> bool:
        """Whether processes have different parts of the state."""
        return any(own.is_sharded for own in self._declared.values())

    @torch.no_grad()
    def add(self, piece: int, fraction: float, after: State, index: RowIndex = slice(None)) -> None:
        """Adds the state after a micro-batch with this fraction of the rows, those at `index`.

        Raises RunFailure: E0808, if it is not the state that the manifest declares.
        """
        for name, own in self._declared.items():
            before = self._state.of_piece(self._loss, piece, index)[name]
            value = _checked(self._loss, own, before, after)
            if own.of_rows:
                if fraction:
                    self._rows.append((name, index, value))
                continue
            if own.is_sharded:
                if world().owns(piece):
                    self._parts.append((before, value))
                continue
            weighted = value if fraction == 1.0 else fraction * value
            self._means[name] = self._means[name] + weighted if name in self._means else weighted

    def reduce(self) -> None:
        """Sums replicated tensors over the processes; all of them call it together."""
        self._means = dict(zip(self._means, all_reduce(list(self._means.values())), strict=True))
        of_rows = [name for name, own in self._declared.items() if own.of_rows]
        for name in of_rows:
            # Each process has moved other rows.
            value = torch.zeros_like(self._state.tensors[self._loss][name])
            moved = torch.zeros(len(value), dtype=value.dtype, device=value.device)
            for own, index, after in self._rows:
                if own == name:
                    value[index], moved[index] = after, 1.0
            value, moved = all_reduce([value, moved])
            every = moved.nonzero()[:, 0]
            self._rows = [each for each in self._rows if each[0] != name]
            self._rows.append((name, every, value[every]))

    def values(self) -> list[Tensor]:
        """The floating-point values of the update, which must be finite."""
        found = [*self._means.values(), *(value for _, value in self._parts)]
        found += [value for _, _, value in self._rows]
        return [value for value in found if value.is_floating_point()]

    @torch.no_grad()
    def apply(self, skipped: Tensor) -> None:
        """Copies the update into the state; if `skipped` is 1 nothing changes."""
        current = self._state.tensors[self._loss]
        means = [(current[name], value) for name, value in self._means.items()]
        for before, value in (*means, *self._parts):
            before.copy_(torch.where(skipped.bool(), before, value))
        for name, index, value in self._rows:
            current[name][index] = torch.where(skipped.bool(), current[name][index], value)


MOST_NUMBERS = 2**28
"""The largest number of entries of a tensor with a value for each training row."""


def _initial(own: StateTensor, rows: int, dtype: torch.dtype, noise: Noise) -> Tensor:
    kind = dtype if own.dtype in FLOATS else torch.int64
    shape = (rows, *own.shape) if own.of_rows else own.shape
    if own.of_rows and math.prod(shape) > MOST_NUMBERS:
        message = (
            f"the chains of {rows:,} rows have a state of {math.prod(shape):,} numbers, and at "
            f"most {MOST_NUMBERS:,} are kept"
        )
        hint = "write `persistent: false` in `sampler:`, so that chains start anew in each update"
        raise RunFailure("E0844", message, hint=hint, exit_code=USAGE)
    first = torch.full(shape, own.initial, dtype=kind, device=noise.generator.device)
    return first + (own.spread * noise.normal(shape)).to(kind) if own.spread else first


def of_new_rows(loss: Loss, state: State, rows: int, noise: Noise) -> State:
    """The state with which a loss is computed of other rows than those of the training.

    The values of rows are initial ones.
    """
    fresh = {own.name: own for own in loss.state if own.of_rows}
    return {
        name: _initial(fresh[name], rows, value.dtype, noise) if name in fresh else value
        for name, value in state.items()
    }


def _checked(loss: str, own: StateTensor, before: Tensor, after: State) -> Tensor:
    """The tensor that a loss returns, without its gradient."""
    value = after.get(own.name)
    if value is None or value.shape != before.shape or value.dtype != before.dtype:
        found = "nothing" if value is None else f"{tuple(value.shape)} of {value.dtype}"
        wanted = f"{tuple(before.shape)} of {before.dtype}"
        message = f"the loss `{loss}` returns {found} for its state `{own.name}`, not {wanted}"
        raise RunFailure("E0808", message, hint="compile the spec again, with `specc compile`")
    return value.detach()
