"""What chains draw from: the posterior of a program given its training rows."""

from __future__ import annotations

from functools import cached_property

from torch import Tensor

from specc.data.load import Batch
from specc.engine.order.streams import Stream, noise_at
from specc.engine.samplers.log_density import Coordinates, LogDensity
from specc.engine.samplers.minibatch_gradient import MinibatchGradient
from specc.engine.schedule.scalars import final_scalars
from specc.engine.storage.loaded_run import LoadedRun
from specc.runtime.stages import Stage


class Target:
    """The posterior that the only loss of a stage states."""

    def __init__(self, loaded: LoadedRun, stage: Stage) -> None:
        """The target of a run with a sampler."""
        assert loaded.manifest.sampler is not None
        self.loaded, (self._loss,) = loaded, stage.losses
        self.coordinates = Coordinates(loaded.program, loaded.manifest.sampler.latents)
        self.rows = len(loaded.rows("train"))

    @cached_property
    def density(self) -> LogDensity:
        """The log-density given all training rows."""
        noise = noise_at(self.loaded.settings.seed, Stream.LOSS, device=self.loaded.device)
        return LogDensity(self.coordinates, training_rows(self.loaded), self.scalars, noise)

    @cached_property
    def scalars(self) -> dict[str, float]:
        """The scalar arguments of the loss."""
        fractions = self.loaded.rows("train").observed_fractions()
        return final_scalars(self._loss, self.rows, fractions)

    def minibatches(self, chains: int, *, with_curvature: bool = False) -> MinibatchGradient:
        """Estimates of the gradient by random rows, for some chains."""
        return MinibatchGradient(
            self.loaded, self.coordinates, self.scalars, chains, with_curvature=with_curvature
        )

    def loss(self) -> Tensor:
        """The loss of all rows at the position of the program."""
        return self.density.loss()


def training_rows(loaded: LoadedRun) -> Batch:
    """All training rows in one batch; values that are binarized at random are drawn once."""
    rows = loaded.rows("train")
    noise = noise_at(loaded.settings.seed, Stream.DATA, device=loaded.device)
    return rows.batch(slice(0, len(rows)), noise)
