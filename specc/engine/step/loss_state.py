"""The state of losses: tensors that one step passes to the next, such as a running baseline.

A batch may be split into micro-batches, on one process or several. The state after a step does not
depend on which process computes which micro-batch:

    replicated   every micro-batch reads the tensor before the step; after it the tensor is
                 sum_i w_i t_i, with t_i the result of micro-batch i and w_i its fraction of rows
    sharded      micro-batch i of n reads and returns part i of n along the first axis alone

A skipped step leaves the state unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from specc.engine.distributed import all_reduce, broadcast, world
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.losses import Loss, State, StateTensor

FLOATS = ("float32", "float64")


class LossState:
    """The state of every loss of a program, for batches of `pieces` micro-batches."""

    def __init__(
        self, losses: Sequence[Loss], dtype: torch.dtype, device: torch.device, pieces: int = 1
    ) -> None:
        """The initial state; raises RunFailure E0808 if a sharded tensor has too few rows."""
        self.pieces = pieces
        self.declared = {loss.name: {own.name: own for own in loss.state} for loss in losses}
        self.tensors = {
            name: {key: _initial(own, dtype, device) for key, own in declared.items()}
            for name, declared in self.declared.items()
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

    def of_piece(self, loss: str, piece: int) -> dict[str, Tensor]:
        """The state before a step, as the micro-batch of that number reads it."""
        return {
            name: self._part(loss, own, piece) if own.is_sharded else self.tensors[loss][name]
            for name, own in self.declared[loss].items()
        }

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

    @property
    def is_sharded(self) -> bool:
        """Whether processes have different parts of the state."""
        return any(own.is_sharded for own in self._declared.values())

    @torch.no_grad()
    def add(self, piece: int, fraction: float, after: State) -> None:
        """Adds the state after a micro-batch with this fraction of the rows.

        Raises RunFailure: E0808, if it is not the state that the manifest declares.
        """
        for name, own in self._declared.items():
            before = self._state.of_piece(self._loss, piece)[name]
            value = _checked(self._loss, own, before, after)
            if own.is_sharded:
                if world().owns(piece):
                    self._parts.append((before, value))
                continue
            weighted = value if fraction == 1.0 else fraction * value
            self._means[name] = self._means[name] + weighted if name in self._means else weighted

    def reduce(self) -> None:
        """Sums replicated tensors over the processes; all of them call it together."""
        self._means = dict(zip(self._means, all_reduce(list(self._means.values())), strict=True))

    def values(self) -> list[Tensor]:
        """The floating-point values of the update, which must be finite."""
        found = [*self._means.values(), *(value for _, value in self._parts)]
        return [value for value in found if value.is_floating_point()]

    @torch.no_grad()
    def apply(self, skipped: Tensor) -> None:
        """Copies the update into the state; if `skipped` is 1 nothing changes."""
        current = self._state.tensors[self._loss]
        means = [(current[name], value) for name, value in self._means.items()]
        for before, value in (*means, *self._parts):
            before.copy_(torch.where(skipped.bool(), before, value))


def _initial(own: StateTensor, dtype: torch.dtype, device: torch.device) -> Tensor:
    kind = dtype if own.dtype in FLOATS else torch.int64
    return torch.full(own.shape, own.initial, dtype=kind, device=device)


def _checked(loss: str, own: StateTensor, before: Tensor, after: State) -> Tensor:
    """The tensor that a loss returns, without its gradient."""
    value = after.get(own.name)
    if value is None or value.shape != before.shape or value.dtype != before.dtype:
        found = "nothing" if value is None else f"{tuple(value.shape)} of {value.dtype}"
        wanted = f"{tuple(before.shape)} of {before.dtype}"
        message = f"the loss `{loss}` returns {found} for its state `{own.name}`, not {wanted}"
        raise RunFailure("E0808", message, hint="compile the spec again, with `specc compile`")
    return value.detach()
