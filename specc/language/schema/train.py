"""How a spec is trained and how the result is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from specc.language.schema.digests import environment, training
from specc.language.schema.value import Value


class Optimizer(Value):
    """An optimizer of `torch.optim` by its name, with its options."""

    name: str = training(about="The optimizer.")
    options: Mapping[str, float | bool | tuple[float, ...]] = training(
        default={}, about="Its options, under their names in torch."
    )


class ScheduleStep(Value):
    """From a share of the run on, another learning rate."""

    at: float = training(about="The share of the run after which it holds.", gt=0, lt=1)
    lr: float = training(about="The learning rate from there on.", gt=0)


class TrainSpec(Value):
    """The run: optimizer, batches, length, seed."""

    optimizer: Optimizer = training(
        default=Optimizer(name="adam"), about="What makes a step of a gradient."
    )
    batch_size: int = training(default=128, about="The rows of one step.", ge=1, le=2**31)
    epochs: int | None = training(default=100, about="How often every row is seen.", ge=1, le=10**9)
    steps: int | None = training(
        default=None, about="How many steps are made, instead of epochs.", ge=1, le=10**12
    )
    seed: int = training(
        default=0, about="The number from which all randomness follows.", ge=0, lt=2**63
    )
    schedule: tuple[ScheduleStep, ...] = training(
        default=(), about="Changes of the learning rate, in order."
    )
    clip: float | None = training(
        default=None, about="The largest norm of a gradient; a longer one is shortened.", gt=0
    )
    validate_every: int | None = training(
        default=None, about="The epochs between two measurements on held-out rows.", ge=1
    )
    threads: int | None = environment(
        default=None, about="The threads of the processor to use.", ge=1, le=4096
    )
    dtype: Literal["float32", "float64"] = training(
        default="float32", about="The type of the numbers of the run."
    )


class Evaluation(Value):
    """One figure that belongs to the spec, so that anyone can repeat it."""

    estimator: Literal["elbo", "iwae", "exact"] = training(
        default="iwae", about="How the log-likelihood is estimated."
    )
    particles: int = training(
        default=1000, about="The draws from the guide for each row.", ge=1, le=10**9
    )
    data: str = training(default="test", about="The part of the data.")
    rows: int | None = training(default=None, about="The first rows of it; all, if left out.", ge=1)
    seed: int = training(default=0, about="The number from which the draws follow.", ge=0, lt=2**63)
