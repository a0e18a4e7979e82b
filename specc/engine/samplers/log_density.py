"""The log-density that chains sample from, with its gradient, for all chains in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import prod

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from specc.data.load import Batch
from specc.engine.compile.cpp_library import Library
from specc.engine.compile.cpp_trees import Trees
from specc.engine.samplers.dynamics import Array
from specc.engine.samplers.recorded import UNSUPPORTED, Recorded
from specc.engine.step.player import NotCompiled
from specc.runtime.noise import Noise
from specc.runtime.program import Program

CHUNK = 1000
"""The number of draws whose values are computed together."""

MOST_NUMBERS = 2**25
"""The numbers of one field of all rows, times the chains, that are computed together."""

Batched = Callable[..., tuple[Tensor, ...]]
"""Gradients [chains, size] and values [chains] at positions [chains, size]."""


class _Computation(nn.Module):
    """A computation with a program, as a module whose parameters can be replaced."""

    def __init__(self, program: Program, compute: Callable[..., Tensor]) -> None:
        super().__init__()
        self.program, self.compute = program, compute

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.compute(*inputs)


class Coordinates:
    """The unconstrained numbers of all latents in one vector, in the order of the parameters."""

    def __init__(self, program: Program, names: Mapping[str, str]) -> None:
        """The coordinates of a program; `names` are the parameters, by latent."""
        self.program, self.latents, self.names = program, tuple(names), tuple(names.values())
        parameters = dict(program.named_parameters())
        self.shapes = tuple(parameters[name].shape for name in self.names)
        self.sizes = tuple(prod(shape) for shape in self.shapes)
        self.size = sum(self.sizes)
        device = next(program.parameters()).device
        self.like = torch.zeros((), dtype=torch.get_default_dtype(), device=device)

    def _tensors(self, position: Tensor) -> Iterator[tuple[str, Tensor]]:
        """The parameters at a position [size], with their names."""
        parts = torch.split(position, list(self.sizes))
        for name, part, shape in zip(self.names, parts, self.shapes, strict=True):
            yield name, part.reshape(shape)

    def function(self, compute: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """What `compute` returns, as a function of the position [size] of the program.

        The arguments after the position are those of `compute`.
        """
        module = _Computation(self.program, compute)

        def at(position: Tensor, *inputs: Tensor) -> Tensor:
            parameters = {f"program.{name}": value for name, value in self._tensors(position)}
            found: Tensor = functional_call(module, parameters, inputs)
            return found

        return at

    @torch.no_grad()
    def over(self, positions: Tensor, compute: Callable[[], Tensor]) -> Tensor:
        """What `compute` returns at each of the positions [draws, size]: [draws, ...]."""
        at = self.function(compute)
        try:
            found: Tensor = vmap(at, chunk_size=CHUNK)(positions)
        except UNSUPPORTED:  # an operation cannot be computed for several positions at once
            found = torch.stack([at(position) for position in positions])
        return found

    def values(self, positions: Tensor) -> dict[str, Tensor]:
        """The latents at positions [draws, size], each [draws, *shape]."""
        model = self.program.model
        return {name: self.over(positions, partial(getattr, model, name)) for name in self.latents}

    def position(self) -> Array:
        """The position [size] of the program."""
        live = dict(self.program.named_parameters())
        found = torch.cat([live[name].detach().reshape(-1) for name in self.names])
        return found.double().cpu().numpy().copy()

    def move_to(self, position: Array) -> None:
        """Sets the parameters of the program to a position [size]."""
        live = dict(self.program.named_parameters())
        with torch.no_grad():
            for name, value in self._tensors(torch.as_tensor(position)):
                live[name].copy_(value)


def _agree(own: Tensor, exact: Tensor) -> bool:
    """Whether numbers agree up to rounding."""
    scale = 1.0 + exact.abs().max().nan_to_num().item()
    return torch.allclose(own, exact, rtol=1e-6, atol=1e-9 * scale, equal_nan=True)


class LogDensity:
    """The log-density of the posterior, up to a constant: minus the loss, times the rows."""

    def __init__(
        self,
        coordinates: Coordinates,
        batch: Batch,
        scalars: Mapping[str, float],
        noise: Noise,
    ) -> None:
        """The density given all rows of the data.

        Args:
            coordinates: Those of a program whose only loss is minus the density for each row.
            batch: All rows.
            scalars: The scalars of the loss, with the number of rows as `data_size`.
            noise: The random numbers of the loss, which a density does not read.

        """
        program = coordinates.program
        (declared,) = program.manifest.losses
        rows = float(scalars["data_size"])

        def loss() -> Tensor:
            return program.loss(declared.name, {}, batch, noise, scalars).loss

        def log_density(position: Tensor) -> Tensor:
            return -rows * loss_at(position)

        loss_at = coordinates.function(loss)
        self.loss, self._log_density = loss, log_density
        numbers = max((column.numel() for column in batch.values()), default=1)
        chunk = max(1, MOST_NUMBERS // max(1, numbers))
        self.batched: Batched = vmap(grad_and_value(log_density), chunk_size=chunk)
        self._called = self.batched
        self._library: Library | None = None
        self.like, self.size = coordinates.like, coordinates.size

    def recorded(self, chains: int) -> Recorded:
        """The density as a function of the positions of some chains, which it computes by."""
        example = self.like.new_zeros((chains, self.size))
        found = Recorded(self.batched, (example,), self.in_turn, partial(self._built, chains))
        self._called = found
        return found

    def library(self, chains: int) -> Library:
        """The density in C++ of its own; raises NotCompiled if it has no such form."""
        if self.like.dtype != torch.float64 or self.like.device.type != "cpu":
            raise NotCompiled("only numbers of 64 bits on a processor have code of their own")
        library = Library(self._slope, self.size, chains)
        position = torch.linspace(-0.5, 0.5, self.size).to(self.like)
        found = (own[0] for own in library(position.expand(chains, -1)))
        if not all(map(_agree, found, self._slope(position))):
            raise NotCompiled("its own code computes something else")
        return library

    def trees(self, chains: int) -> Trees | None:
        """Trajectories in C++; None if the density is not computed so."""
        return None if self._library is None else self._library.trees(chains)

    def _built(self, chains: int) -> Batched:
        """The density in C++ of its own, as a function of the positions of some chains."""
        self._library = self.library(chains)
        return self._library

    def in_turn(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """The gradients and the log-densities of the chains, one after the other."""
        gradients, values = zip(*map(self._slope, positions.unbind(0)), strict=True)
        return torch.stack(gradients), torch.stack(values)

    def _slope(self, position: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient [size] and the log-density of one chain."""
        with torch.enable_grad():
            point = position.detach().requires_grad_()
            value = self._log_density(point)
            (gradient,) = torch.autograd.grad(value, point)
        return gradient, value.detach()

    def __call__(self, positions: Array) -> tuple[list[float], Array]:
        """The log-density of each chain, and the gradients [chains, size].

        A log-density that is not a number counts as -inf.
        """
        if self._library is not None:
            slopes, numbers = self._library.of_array(positions)
            return [value if value < np.inf else -np.inf for value in numbers], slopes
        inside = torch.as_tensor(positions).to(self.like)
        with torch.no_grad():
            gradients, values = self._called(inside)
        found = values.double().cpu().tolist()
        finite = [value if value < np.inf else -np.inf for value in found]
        return finite, gradients.double().cpu().numpy()
