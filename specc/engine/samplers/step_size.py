"""Adaptation of the step size of a chain by dual averaging.

The logarithm of the step size follows the error of the mean probability of acceptance, and its
weighted mean converges (Nesterov 2009; Hoffman and Gelman 2014, section 3.2):

    h_t = (1 - 1 / (t + 10)) h_(t-1) + (target - acceptance_t) / (t + 10)
    log step_t = mu - sqrt(t) / gamma h_t
    mean_t = t^-.75 log step_t + (1 - t^-.75) mean_(t-1)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from specc.engine.samplers.dynamics import Array, Evaluated, Metric, Phase, Point, leapfrog

T0, KAPPA = 10.0, 0.75

GAMMA = 0.05
"""The constant gamma for the acceptance of one chain."""

POOLED_GAMMA = 0.1
"""The same for the mean acceptance of many chains, which has little noise.

With 0.05 the step size oscillates at first, and its mean after 40 transitions is a fifth too small.
"""

MOST_DOUBLINGS = 100
"""Factors of 2 that the search of a first step size tries at most."""

PASSING = 0.8
"""The probability of acceptance of a reasonable step."""


@dataclass(frozen=True, slots=True)
class StepSize:
    """The adaptation after `count` transitions; `center` is mu."""

    log_step: float
    log_mean: float
    error: float
    count: float
    center: float

    @classmethod
    def start(cls, step: float) -> StepSize:
        """The adaptation that starts from a step size, and is drawn to 10 times that."""
        return cls(math.log(step), 0.0, 0.0, 0.0, math.log(10.0 * step))

    @property
    def step(self) -> float:
        """The step size of the next transition while it adapts."""
        return math.exp(self.log_step)

    @property
    def final(self) -> float:
        """The step size after the adaptation."""
        return math.exp(self.log_mean if self.count else self.log_step)

    def adapted(self, acceptance: float, target: float, gamma: float = GAMMA) -> StepSize:
        """The adaptation after one more transition with this mean acceptance."""
        count = self.count + 1.0
        rate = 1.0 / (count + T0)
        error = (1.0 - rate) * self.error + rate * (target - acceptance)
        log_step = self.center - math.sqrt(count) / gamma * error
        weight = count**-KAPPA
        log_mean = weight * log_step + (1.0 - weight) * self.log_mean
        return StepSize(log_step, log_mean, error, count, self.center)


def reasonable_step(point: Point, momentum: Array, metric: Metric, step: float) -> Evaluated[float]:
    """A step size near which the probability of acceptance of one leapfrog step passes .8.

    The step is doubled or halved until the acceptance passes from one side of .8 to the other
    (Hoffman and Gelman 2014, algorithm 4, with .8 in place of .5).
    """
    start = Phase(point, momentum)
    grows: bool | None = None
    for _ in range(MOST_DOUBLINGS):
        after = yield from leapfrog(start, step, metric)
        accepts = start.energy - after.energy > math.log(PASSING)
        if grows is not None and accepts != grows:
            break
        grows = accepts
        step = step * 2.0 if grows else step / 2.0
    return step
