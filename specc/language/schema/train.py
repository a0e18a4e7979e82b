"""How a spec is trained and how the result is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from specc.language.schema.digests import environment, steering, training
from specc.language.schema.optimizers import OPTIMIZERS
from specc.language.schema.value import Value


class Optimizer(Value):
    """An optimizer of `torch.optim` by its name, with its options."""

    name: str = training(about="The optimizer.")
    options: Mapping[str, float | bool | tuple[float, ...]] = steering(
        default={}, about="All its options, under their names in torch."
    )


class ScheduleStep(Value):
    """From a share of the run on, another learning rate."""

    at: float = steering(about="The share of the run after which it holds.", gt=0, lt=1)
    lr: float = steering(about="The learning rate from there on.", gt=0)


class Schedule(Value):
    """The course of the learning rate by its name, with its options: `{cosine: {warmup: 0.05}}`."""

    name: str = steering(about="The course.")
    options: Mapping[str, float | int] = steering(default={}, about="Its options.")


class _ListOfSteps:
    """Tells pydantic to read a list of steps; a course by its name is put there by the reader."""

    def __get_pydantic_core_schema__(
        self,
        source: Any,  # noqa: ANN401
        handler: GetCoreSchemaHandler,
    ) -> CoreSchema:
        del source
        schema = handler.generate_schema(tuple[ScheduleStep, ...])
        written = core_schema.plain_serializer_function_ser_schema(_as_json)
        return core_schema.no_info_after_validator_function(
            lambda steps: steps, schema, serialization=written
        )


def _as_json(course: tuple[ScheduleStep, ...] | Schedule) -> object:
    if isinstance(course, Schedule):
        return course.model_dump(mode="json")
    return [step.model_dump(mode="json") for step in course]


Course = Annotated[tuple[ScheduleStep, ...] | Schedule, _ListOfSteps()]


class EarlyStopping(Value):
    """The run ends where the validation loss no longer improves, with the best weights so far."""

    patience: int = steering(
        default=10, about="The validations without improvement before the run ends.", ge=1
    )
    least: float = steering(
        default=0.0, about="What counts as an improvement, in nats a row.", ge=0
    )


class TrainSpec(Value):
    """The run: optimizer, batches, length, seed."""

    optimizer: Optimizer = training(
        default=Optimizer(name="adam", options=OPTIMIZERS["adam"]().model_dump()),
        about="What makes a step of a gradient.",
    )
    batch_size: int = training(default=128, about="The rows of one step.", ge=1, le=2**31)
    epochs: int | None = steering(default=100, about="How often every row is seen.", ge=1, le=10**9)
    steps: int | None = steering(
        default=None, about="How many steps are made, instead of epochs.", ge=1, le=10**12
    )
    seed: int = training(
        default=0, about="The number from which all randomness follows.", ge=0, lt=2**63
    )
    schedule: Course = steering(
        default=(), about="The course of the learning rate: its changes in order, or a name."
    )
    accumulate: int = training(
        default=1, about="The pieces in which a batch is computed, to save memory.", ge=1, le=2**20
    )
    ema: float | None = training(
        default=None,
        about="The share of a running mean of the weights that each step keeps; the mean is what "
        "is evaluated.",
        gt=0,
        lt=1,
    )
    early_stopping: EarlyStopping | None = steering(
        default=None, about="When to end before the time."
    )
    clip: float | None = steering(
        default=None, about="The largest norm of a gradient; a longer one is shortened.", gt=0
    )
    validate_every: int | None = steering(
        default=None, about="The epochs between two measurements on held-out rows.", ge=1
    )
    threads: int | None = environment(
        default=None, about="The threads of the processor to use.", ge=1, le=4096
    )
    precision: Literal["float32", "fast", "float64"] = training(
        default="float32",
        about="The type of the numbers of the run; `fast` is float32 with matrix products in "
        "bfloat16 (on a GPU TensorFloat-32).",
    )
    compile: Literal["off", "auto", "on"] = environment(
        default="off",
        about="Whether the step is compiled by torch; `auto` times both and keeps what pays.",
    )
    keep: int = environment(default=2, about="The checkpoints that are kept.", ge=1, le=10**6)


class Evaluation(Value):
    """One figure that belongs to the spec, so that anyone can repeat it."""

    estimator: Literal["elbo", "iwae", "exact"] = steering(
        default="iwae", about="How the log-likelihood is estimated."
    )
    particles: int = steering(
        default=1000, about="The draws from the guide for each row.", ge=1, le=10**9
    )
    data: str = steering(default="test", about="The part of the data.")
    rows: int | None = steering(default=None, about="The first rows of it; all, if left out.", ge=1)
    seed: int = steering(default=0, about="The number from which the draws follow.", ge=0, lt=2**63)
