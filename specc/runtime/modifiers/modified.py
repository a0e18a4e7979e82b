"""What a modifier needs of the distribution that it modifies: the functions of its module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from specc.runtime import number
from specc.runtime.noise import Noise
from specc.runtime.number import Number


class Base(Protocol):
    """A module of `specc.runtime.distributions`, or a modified distribution."""

    def log_prob(self, value: Tensor, /, *parameters: Number) -> Tensor:
        """The log-density."""

    def sample(
        self, noise: Noise, /, *parameters: Number, shape: Sequence[int] | None = None
    ) -> Tensor:
        """A draw without gradient."""

    def rsample(
        self, noise: Noise, /, *parameters: Number, shape: Sequence[int] | None = None
    ) -> Tensor:
        """A draw with a pathwise gradient."""

    def mean(self, /, *parameters: Number) -> Tensor:
        """The mean."""

    def tails(self, value: Tensor, /, *parameters: Number) -> tuple[Tensor, Tensor]:
        """log P(X <= value) and log P(X > value)."""

    def enumerate_values(
        self, *, classes: int | None, dtype: torch.dtype, device: torch.device | str
    ) -> Tensor:
        """All values."""

    def quantile(self, log_p: Tensor, log_q: Tensor, /, *parameters: Number) -> Tensor:
        """The value with log P(X <= value) = log_p and log P(X > value) = log_q."""


@dataclass(frozen=True)
class Modified:
    """A modified distribution: `base` is the module of the other one.

    `rank` is the number of axes of its events.
    """

    base: Base
    rank: int = 0

    own: ClassVar[int] = 1
    """The number of parameters of the modifier, which are the first."""

    @property
    def counts(self) -> bool:
        """Whether the values are integers: a distribution without pathwise draws."""
        return not hasattr(self.base, "rsample")

    def enumerate_values(
        self, *, classes: int | None, dtype: torch.dtype, device: torch.device | str
    ) -> Tensor:
        """The values of the base."""
        return self.base.enumerate_values(classes=classes, dtype=dtype, device=device)

    def drawn(self, *parameters: Number) -> torch.Size:
        """The shape of draws of a distribution over numbers, from that of its parameters."""
        size: torch.Size = torch.broadcast_shapes(  # type: ignore[no-untyped-call]
            number.shape(*parameters[: self.own]), drawn(self.base, parameters[self.own :])
        )
        return size


def drawn(base: Base, parameters: tuple[Number, ...]) -> torch.Size:
    """The shape of draws of the base, from that of its parameters."""
    return base.drawn(*parameters) if isinstance(base, Modified) else number.shape(*parameters)
