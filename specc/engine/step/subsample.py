"""Updates that compute and change only the elements of a plate that their batch names.

With rows i that name the elements k(i), n_k rows of element k among the N of the training, and a
batch of B rows, element k of the batch has the weight

    w_k = N / B |{i in batch: k(i) = k}| / n_k,

so that sum_k w_k f_k is an unbiased estimate of sum_k f_k over all elements that rows name. During
an update the parameters of the plate, and what the optimizer holds for each of their entries, are
those of the elements of the batch: an update of Adam leaves the moments of other elements as they
are (as torch's `SparseAdam`), and its cost does not depend on the number of elements.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from specc.data.load import Batch, Rows
from specc.engine.step.player import Player
from specc.runtime.failure import USAGE, RunFailure
from specc.runtime.losses import Subsample
from specc.runtime.noise import Noise
from specc.runtime.program import Program


class Table:
    """A parameter with a value for each element, with the state of its optimizer.

    The rows of an update are in tensors that stay the same, so that a compiled graph can use them.
    """

    def __init__(self, parameter: nn.Parameter, optimizer: torch.optim.Optimizer) -> None:
        self.parameter, self.optimizer = parameter, optimizer
        self.rows: dict[str, Tensor] = {}

    @contextmanager
    def rows_of(self, elements: Tensor, count: int) -> Iterator[None]:
        """Has the rows of `elements` alone; afterwards the first `count` of them are kept."""
        parameter, whole = self.parameter, self.parameter.data
        held = {"": whole, **self._state(whole.shape)}
        parameter.data = self._gather("", whole, elements)
        for name in held.keys() - {""}:
            self.optimizer.state[parameter][name] = self._gather(name, held[name], elements)
        try:
            yield
        finally:
            for name, rows in self._state(parameter.shape).items():
                self.rows[name] = rows
                if name not in held:  # the state before the first update
                    held[name] = torch.zeros_like(whole)
            for name, tensor in held.items():
                tensor.index_copy_(0, elements[:count], self.rows[name][:count])
                if name:
                    self.optimizer.state[parameter][name] = tensor
            parameter.grad, parameter.data = None, whole

    def _state(self, shape: torch.Size) -> dict[str, Tensor]:
        """The tensors of the optimizer with an entry for each of the parameter."""
        state = self.optimizer.state.get(self.parameter, {}).items()
        return {k: v for k, v in state if isinstance(v, Tensor) and v.shape == shape}

    def _gather(self, name: str, whole: Tensor, elements: Tensor) -> Tensor:
        if name not in self.rows:
            self.rows[name] = whole.new_empty((len(elements), *whole.shape[1:]))
        return torch.index_select(whole, 0, elements, out=self.rows[name])


class SubsampledPlate:
    """A plate of which an update has the elements of its batch, up to `room` of them."""

    def __init__(
        self, own: Subsample, program: Program, player: Player, rows: Rows, batch_size: int
    ) -> None:
        named = dict(program.named_parameters())
        self.own, self.total = own, len(rows)
        self.tables = [Table(named[name], player.optimizer) for name in own.parameters]
        self.room = min(own.size, len(own.indices) * min(batch_size, self.total))
        device = self.tables[0].parameter.device
        noise, every = Noise.at(0, device=device), slice(0, self.total)
        fields = [rows.fields[name].batch(every, noise) for name in own.indices]
        numbers = torch.cat([field.reshape(-1) for field in fields])
        self.frequency = torch.bincount(numbers, minlength=own.size)

    @property
    def unnamed(self) -> int:
        """The number of elements that no training row names."""
        return int((self.frequency == 0).sum())

    def elements(self, batch: Batch) -> tuple[Tensor, int, Batch]:
        """The elements of a batch, how many differ, and what the batch has in place of its fields.

        If there are less than `room`, the first one fills up the rest, with the weight 0.
        """
        fields = [batch[name] for name in self.own.indices]
        found = torch.cat([field.reshape(-1) for field in fields])
        unique = torch.unique(found, return_inverse=True, return_counts=True)
        named, place, counts = unique
        count = len(named)
        elements = named.new_full((self.room,), 0)
        elements[:count], elements[count:] = named, named[0]
        places = place.split([field.numel() for field in fields])
        pairs = zip(self.own.indices, fields, places, strict=True)
        given: Batch = {name: own.view(field.shape) for name, field, own in pairs}
        if self.own.weight is not None:
            weight = self.tables[0].parameter.new_zeros(self.room)
            rows = len(fields[0])
            weight[:count] = self.total / rows * counts / self.frequency[named]
            given[self.own.weight] = weight
        return elements, count, given


class SubsampledPlates:
    """All plates of a player of which an update leaves out elements."""

    def __init__(self, program: Program, player: Player, rows: Rows, batch_size: int) -> None:
        declared = player.loss.subsample
        self.plates = [SubsampledPlate(own, program, player, rows, batch_size) for own in declared]

    @property
    def remark(self) -> str:
        """A sentence about elements that no training row names; empty without any."""
        found = [(plate.own, plate.unnamed) for plate in self.plates if plate.unnamed]
        each = " and ".join(f"{n:,} of {own.size:,} {own.plate}" for own, n in found)
        return f"no training row names {each}, which keep their initial values" if each else ""

    @contextmanager
    def elements_of(self, batch: Batch) -> Iterator[Batch]:
        """Has the elements of a batch alone, and the batch with their numbers among those."""
        given = dict(batch)
        with ExitStack() as stack, torch.no_grad():
            for plate in self.plates:
                elements, count, fields = plate.elements(batch)
                given |= fields
                for table in plate.tables:
                    stack.enter_context(table.rows_of(elements, count))
            with torch.enable_grad():
                yield given


def subsampled(
    program: Program, players: Sequence[Player], rows: object, batch_size: int, pieces: int
) -> SubsampledPlates | None:
    """The plates of which an update leaves out elements, None without any.

    Raises RunFailure: E0830, if a batch comes in several pieces.
    """
    if not any(player.loss.subsample for player in players):
        return None
    if pieces > 1:
        message = f"`subsample` needs whole batches, and each comes in {pieces} pieces"
        hint = "train in one process, or remove `subsample`"
        raise RunFailure("E0830", message, hint=hint, exit_code=USAGE)
    (player,) = players
    assert isinstance(rows, Rows), "one source"
    return SubsampledPlates(program, player, rows, batch_size)
