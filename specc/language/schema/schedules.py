"""The courses of the learning rate that `train: {schedule: ...}` may name, with their options."""

from __future__ import annotations

from specc.language.schema.digests import steering
from specc.language.schema.value import Value

FINAL = "The share of the learning rate that is left at the end."


class Course(Value):
    """A course may begin with a warm-up, in which the rate rises linearly from zero."""

    warmup: float = steering(
        default=0.0, about="The fraction of the run in which the rate rises from zero.", ge=0, lt=1
    )


class Constant(Course):
    """The rate stays as it is (after the warm-up).

    lr(t) = lr
    """


class Cosine(Course):
    """Half a cosine down to the final share (Loshchilov and Hutter 2017, equation 5).

    lr(t) = lr (final + (1 - final) (1 + cos(pi u)) / 2), u the share of the run that is over
    """

    final: float = steering(default=0.0, about=FINAL, ge=0, le=1)


class Linear(Course):
    """A straight line down to the final share.

    lr(t) = lr (1 - (1 - final) u), u the share of the run that is over
    """

    final: float = steering(default=0.0, about=FINAL, ge=0, le=1)


class Exponential(Course):
    """A constant factor a step, down to the final share.

    lr(t) = lr final^u, u the share of the run that is over
    """

    final: float = steering(default=0.01, about=FINAL, gt=0, le=1)


class Plateau(Course):
    """The rate falls by a factor whenever the validation loss has not improved for a while.

    lr(t) = lr max(final, factor^k) after k falls
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


SCHEDULES: dict[str, type[Course]] = {
    "constant": Constant,
    "cosine": Cosine,
    "exponential": Exponential,
    "linear": Linear,
    "plateau": Plateau,
}
