"""The learning-rate schedules of `train: {schedule: ...}`, with their options."""

from __future__ import annotations

from specc.language.schema.digests import steering
from specc.language.schema.value import Value

FINAL = "The share of the learning rate that is left at the end."


class ScheduleOptions(Value):
    """The options of all schedules: a warm-up in which the rate increases linearly from zero."""

    warmup: float = steering(
        default=0.0, about="The fraction of the run in which the rate rises from zero.", ge=0, lt=1
    )


class Constant(ScheduleOptions):
    """A constant rate after the warm-up.

    lr(t) = lr
    """


class Cosine(ScheduleOptions):
    """Cosine annealing to the final fraction (Loshchilov and Hutter 2017, equation 5).

    lr(t) = lr (final + (1 - final) (1 + cos(pi u)) / 2), u the completed fraction of the run
    """

    final: float = steering(default=0.0, about=FINAL, ge=0, le=1)


class Linear(ScheduleOptions):
    """A linear decrease to the final fraction.

    lr(t) = lr (1 - (1 - final) u), u the completed fraction of the run
    """

    final: float = steering(default=0.0, about=FINAL, ge=0, le=1)


class Exponential(ScheduleOptions):
    """A constant factor per step, to the final fraction.

    lr(t) = lr final^u, u the completed fraction of the run
    """

    final: float = steering(default=0.01, about=FINAL, gt=0, le=1)


class Plateau(ScheduleOptions):
    """A decrease by a factor after `patience` validations without improvement.

    lr(t) = lr max(final, factor^k) after k decreases
    """

    factor: float = steering(
        default=0.5, about="The factor by which the rate is multiplied.", gt=0, lt=1
    )
    patience: int = steering(
        default=5,
        about="The number of validations without improvement after which the rate falls.",
        ge=1,
    )
    final: float = steering(
        default=0.01, about="The smallest rate, as a fraction of the initial one.", ge=0, le=1
    )


SCHEDULES: dict[str, type[ScheduleOptions]] = {
    "constant": Constant,
    "cosine": Cosine,
    "exponential": Exponential,
    "linear": Linear,
    "plateau": Plateau,
}
