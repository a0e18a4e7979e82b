"""The gradient of the log-density of a posterior, estimated by random rows.

    g = rows * mean over the minibatch of grad log p(x | q) + grad log p(q)

Each chain has rows of its own, drawn with replacement, so g is unbiased and the chains are
independent. A batch of all rows or more is no sample: then g is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.func import grad, grad_and_value, vmap

from specc.data.load import Batch
from specc.engine.compile.autotune import Choice
from specc.engine.order.streams import Stream, noise_at
from specc.engine.samplers.log_density import MOST_NUMBERS, Coordinates
from specc.engine.samplers.recorded import Recorded, choose
from specc.engine.samplers.stochastic import Estimate
from specc.engine.storage.loaded_run import LoadedRun
from specc.runtime.noise import Noise

Function = Callable[..., tuple[Tensor, ...]]


class MinibatchGradient:
    """Estimates of the gradient for all chains in one call."""

    def __init__(
        self,
        loaded: LoadedRun,
        coordinates: Coordinates,
        scalars: Mapping[str, float],
        chains: int,
        *,
        with_curvature: bool,
    ) -> None:
        """The gradient of a run.

        Args:
            loaded: The run, with its training rows and the size of a batch.
            coordinates: The coordinates of the chains.
            scalars: The scalars of the loss, with the number of rows as `data_size`.
            chains: The number of chains.
            with_curvature: Whether the diagonal of the Hessian is estimated too.

        """
        (declared,) = loaded.program.manifest.losses
        self.rows, self.chains = loaded.rows("train"), chains
        self.names, self.with_curvature = tuple(declared.inputs), with_curvature
        self.is_exact = loaded.settings.batch_size >= len(self.rows)
        self.batch_size = min(loaded.settings.batch_size, len(self.rows))
        self.size = coordinates.size
        self.like = coordinates.like
        count, program = float(scalars["data_size"]), loaded.program
        noise = noise_at(loaded.settings.seed, Stream.LOSS, device=loaded.device)

        def loss(*columns: Tensor) -> Tensor:
            batch = dict(zip(self.names, columns, strict=True))
            return program.loss(declared.name, {}, batch, noise, scalars).loss

        loss_at = coordinates.function(loss)

        def log_density(position: Tensor, *columns: Tensor) -> Tensor:
            return -count * loss_at(position, *columns)

        one = _with_curvature(log_density) if with_curvature else _without(log_density)
        data = noise_at(loaded.settings.seed, Stream.DATA, device=loaded.device)
        self._all: tuple[Tensor, ...] = ()
        if self.is_exact:
            self._all = self._columns(self.rows.batch(slice(0, len(self.rows)), data), ())
        example = self._inputs(self.like.new_zeros((chains, self.size)), data)
        in_turn = _in_turn(log_density, shares_rows=self.is_exact, with_curvature=with_curvature)
        self.called = Recorded(self._batched(one, example), example, in_turn)

    def _batched(self, one: Function, example: tuple[Tensor, ...]) -> Function:
        """The function for all chains, some at a time if they are many."""
        own = 1 if self.is_exact else self.chains
        numbers = max((column.numel() // own for column in example[2:]), default=1)
        axes = (0, 0, *[None if self.is_exact else 0] * len(self.names))
        chunk = max(1, MOST_NUMBERS // max(1, numbers))
        found: Function = vmap(one, in_dims=axes, chunk_size=chunk)
        return found

    def _columns(self, batch: Batch, shape: tuple[int, ...]) -> tuple[Tensor, ...]:
        """The inputs of the loss, with their rows in this shape."""
        found = (batch[name] for name in self.names)
        return tuple(own.reshape(*shape, *own.shape[1:]) if shape else own for own in found)

    def _inputs(self, positions: Tensor, noise: Noise) -> tuple[Tensor, ...]:
        """The positions, random signs, and the minibatches of an update."""
        signs = torch.where(noise.uniform(positions.shape) < 0.5, -1.0, 1.0).to(positions)
        if self.is_exact:
            return positions, signs, *self._all
        shape = (self.chains, self.batch_size)
        index = torch.randint(
            len(self.rows), shape, generator=noise.generator, device=self.like.device
        )
        return positions, signs, *self._columns(self.rows.batch(index.flatten(), noise), shape)

    def __call__(self, positions: Tensor, noise: Noise) -> Estimate:
        """The estimates with the minibatches of an update."""
        return Estimate(*self.called(*self._inputs(positions, noise)))

    def record(self, mode: str, calls: int) -> Choice:
        """Records the computation, and compiles it if that pays."""
        return choose(self.called, mode, calls)


def _without(log_density: Callable[..., Tensor]) -> Function:
    """The gradient and the value at a position."""

    def at(position: Tensor, signs: Tensor, *columns: Tensor) -> tuple[Tensor, ...]:
        del signs
        gradient, value = grad_and_value(log_density)(position, *columns)
        return gradient, value

    return at


def _with_curvature(log_density: Callable[..., Tensor]) -> Function:
    """The gradient, the value, and z (H z) with random signs z (Hutchinson 1990).

    H z is a central difference of gradients: densities whose gradient is a formula of its own have
    no second derivative by automatic differentiation.
    """

    def at(position: Tensor, signs: Tensor, *columns: Tensor) -> tuple[Tensor, ...]:
        gradient, value = grad_and_value(log_density)(position, *columns)
        away = _distance(position) * signs
        ahead = grad(log_density)(position + away, *columns)
        behind = grad(log_density)(position - away, *columns)
        return gradient, value, (ahead - behind) / (2.0 * away)

    return at


def _distance(position: Tensor) -> float:
    """The distance at which a central difference has the least error, the root of eps by 3."""
    return float(torch.finfo(position.dtype).eps ** (1.0 / 3.0))


def _in_turn(
    log_density: Callable[..., Tensor], *, shares_rows: bool, with_curvature: bool
) -> Function:
    """The same for one chain after the other."""

    def slope(position: Tensor, rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        point = position.detach().requires_grad_()
        value = log_density(point, *rows)
        return torch.autograd.grad(value, point)[0], value.detach()

    def one(position: Tensor, signs: Tensor, rows: Sequence[Tensor]) -> tuple[Tensor, ...]:
        found = slope(position, rows)
        if not with_curvature:
            return found
        away = _distance(position) * signs
        ahead, behind = (slope(near, rows)[0] for near in (position + away, position - away))
        return *found, (ahead - behind) / (2.0 * away)

    def at(positions: Tensor, signs: Tensor, *columns: Tensor) -> tuple[Tensor, ...]:
        found = []
        with torch.enable_grad():
            for chain, (position, sign) in enumerate(zip(positions, signs, strict=True)):
                rows = columns if shares_rows else [column[chain] for column in columns]
                found.append(one(position, sign, rows))
        return tuple(torch.stack(own) for own in zip(*found, strict=True))

    return at
