"""The protocol of the chains of a sampler, as the driver knows them.

The module with the name of a sampler has `chains(target, sampler, seed)`, which creates them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Protocol

from torch import Tensor

from specc.engine.compile.autotune import Choice
from specc.engine.samplers.draws import Draws
from specc.engine.samplers.dynamics import Array
from specc.engine.samplers.target import Target
from specc.runtime.sampler import Sampler


class Chains(Protocol):
    """The chains of a sampler between two transitions.

    A transition depends on the state of the chains and on its number alone, so chains that are
    restored continue bit for bit.

    - `metrics`: the statistics of a transition that the run shows, as means over chains.
    """

    metrics: tuple[str, ...]

    @property
    def made(self) -> Sequence[int]:
        """The number of transitions that each chain has made."""

    @property
    def is_new(self) -> bool:
        """Whether the chains have no positions yet."""

    @property
    def position(self) -> Array:
        """The position of the first chain, [size]."""

    def record(self, mode: str, left: int) -> Choice:
        """Records the computation for the `left` transitions, and compiles it if that pays.

        `mode` is `on`, `off` or `auto`. Raises NotCompiled if it is `on` and cannot be done.
        """

    def start(self) -> None:
        """Finds a start with a positive density for each chain; raises NoStart."""

    def begin(self, draws: Draws) -> None:
        """Begins the transitions of all chains, which write their results to `draws`."""

    def advance(self, number: int) -> None:
        """Makes transitions until every chain has made `number` of them."""

    def tensors(self) -> dict[str, Tensor]:
        """The state of the chains, as tensors of a checkpoint."""

    def restore(self, stored: Mapping[str, Tensor]) -> None:
        """Sets the state of the chains."""


Create = Callable[[Target, Sampler, int], Chains]


def create(target: Target, sampler: Sampler, seed: int) -> Chains:
    """New chains of the sampler in the manifest, with a seed less than 2^64."""
    found: Create = import_module(f"specc.engine.samplers.{sampler.name}").chains
    return found(target, sampler, seed)
