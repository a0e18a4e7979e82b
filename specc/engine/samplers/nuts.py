"""The no-U-turn sampler of a run: coroutines that ask for the densities which it computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from specc.engine.compile.autotune import Choice
from specc.engine.samplers import chain_state
from specc.engine.samplers.chain import Options
from specc.engine.samplers.draws import Draws
from specc.engine.samplers.dynamics import Array
from specc.engine.samplers.recorded import choose
from specc.engine.samplers.sampling import Sampling
from specc.engine.samplers.target import Target
from specc.runtime.sampler import Sampler

LEAPFROGS = 15
"""The number of leapfrog steps in a transition, of which the time of a run is guessed."""

MOST_DENSE = 50
"""The number of coordinates up to which `metric: auto` is dense: it costs next to nothing there."""


def chains(target: Target, sampler: Sampler, seed: int) -> Coroutines:
    """The chains of the sampler in the manifest."""
    return Coroutines(target, sampler, seed)


class Coroutines:
    """Chains that do not wait for each other at the end of a transition."""

    metrics: tuple[str, ...] = ("acceptance", "step_size", "leapfrogs", "divergent")

    def __init__(self, target: Target, sampler: Sampler, seed: int) -> None:
        """Chains before their start."""
        self.density = target.density
        size = target.coordinates.size
        self.sampling = Sampling(self.density, size, options_of(sampler, size), seed)

    @property
    def made(self) -> Sequence[int]:
        """The number of transitions that each chain has made."""
        return [chain.iteration for chain in self.sampling.chains]

    @property
    def is_new(self) -> bool:
        """Whether the chains have no positions yet."""
        return self.sampling.chains[0].point is None

    @property
    def position(self) -> Array:
        """The position of the first chain, [size]."""
        point = self.sampling.chains[0].point
        assert point is not None
        return point.position

    def record(self, mode: str, left: int) -> Choice:
        """Records the density; compiles it if that pays at an average of 15 leapfrog steps."""
        density = self.density.recorded(len(self.sampling.chains))
        return choose(density, mode, left * LEAPFROGS)

    def start(self) -> None:
        """Finds a start with a positive density for each chain; raises NoStart."""
        self.sampling.start()

    def begin(self, draws: Draws) -> None:
        """Begins the transitions of all chains."""
        self.sampling.begin(draws.record, self.density.trees(len(self.sampling.chains)))

    def advance(self, number: int) -> None:
        """Makes transitions until every chain has made `number` of them."""
        self.sampling.advance(number)

    def tensors(self) -> dict[str, Tensor]:
        """The state of the chains, as tensors of a checkpoint."""
        return chain_state.tensors_of(self.sampling.chains)

    def restore(self, stored: Mapping[str, Tensor]) -> None:
        """Sets the state of the chains."""
        chain_state.restore(self.sampling.chains, stored)


def options_of(sampler: Sampler, size: int) -> Options:
    """The options of the sampler in the manifest, for a number of coordinates."""
    own = sampler.options
    metric = own["metric"]
    if metric == "auto":
        metric = "dense" if size <= MOST_DENSE else "diagonal"
    return Options(
        chains=sampler.chains,
        warmup=sampler.warmup,
        draws=sampler.draws,
        target=float(own["target_accept"]),
        max_depth=int(own["max_tree_depth"]),
        is_dense=metric == "dense",
    )
