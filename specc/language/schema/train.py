"""The schema of `train:` and `evaluate:`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from specc.language.schema.digests import environment, steering, training
from specc.language.schema.optimizers import OPTIMIZERS
from specc.language.schema.value import Value

Class = Annotated[int, Field(ge=0, lt=2**31)]
"""The number of a class."""


class Optimizer(Value):
    """An optimizer of `torch.optim` by its name, with its options."""

    name: str = training(about="The optimizer.")
    options: Mapping[str, float | bool | tuple[float, ...]] = steering(
        default={}, about="All its options, under their names in torch."
    )


class ScheduleStep(Value):
    """A change of the learning rate at a fraction of the run."""

    at: float = steering(about="The fraction of the run after which it applies.", gt=0, lt=1)
    lr: float = steering(about="The learning rate from there on.", gt=0)


class Schedule(Value):
    """A learning-rate schedule by name, with its options: `{cosine: {warmup: 0.05}}`."""

    name: str = steering(about="The schedule.")
    options: Mapping[str, float | int] = steering(default={}, about="Its options.")


class _ListOfSteps:
    """The pydantic type of a list of changes; `read_settings` inserts named schedules."""

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


def _as_json(schedule: tuple[ScheduleStep, ...] | Schedule) -> object:
    if isinstance(schedule, Schedule):
        return schedule.model_dump(mode="json")
    return [step.model_dump(mode="json") for step in schedule]


AnySchedule = Annotated[tuple[ScheduleStep, ...] | Schedule, _ListOfSteps()]


class EarlyStopping(Value):
    """Early stopping if the validation loss does not improve; the best weights are restored."""

    patience: int = steering(
        default=10,
        about="The number of validations without improvement after which the run ends.",
        ge=1,
    )
    least: float = steering(
        default=0.0,
        about="The smallest decrease that counts as an improvement, in nats per row.",
        ge=0,
    )


class TrainSpec(Value):
    """The training: optimizer, batches, length, seed."""

    optimizer: Optimizer = training(
        default=Optimizer(name="adam", options=OPTIMIZERS["adam"]().model_dump()),
        about="The optimizer and its options.",
    )
    batch_size: int = training(default=128, about="The number of rows in a batch.", ge=1, le=2**31)
    epochs: int | None = steering(
        default=100, about="The number of passes over the training rows.", ge=1, le=10**9
    )
    steps: int | None = steering(
        default=None, about="The number of optimizer steps, instead of epochs.", ge=1, le=10**12
    )
    seed: int = training(default=0, about="The random seed of the run.", ge=0, lt=2**63)
    schedule: AnySchedule = steering(
        default=(), about="The learning-rate schedule: a list of changes, or a schedule by name."
    )
    accumulate: int = training(
        default=1,
        about="The number of parts of a batch whose gradients are accumulated, to save memory.",
        ge=1,
        le=2**20,
    )
    subsample: tuple[str, ...] | None = training(
        default=None,
        about="Plates of which an update computes and changes only the elements that the rows of "
        "its batch name.",
        late=True,
    )
    ema: float | None = training(
        default=None,
        about="The decay of an exponential moving average of the weights, which is what is "
        "evaluated.",
        gt=0,
        lt=1,
    )
    early_stopping: EarlyStopping | None = steering(
        default=None, about="Early stopping by the validation loss."
    )
    clip: float | None = steering(
        default=None, about="The norm to which a larger gradient is clipped.", gt=0
    )
    validate_every: int | None = steering(
        default=None, about="The number of epochs between two validations.", ge=1
    )
    threads: Annotated[int, Field(ge=1, le=4096)] | Literal["auto"] | None = environment(
        default=None,
        about="The number of CPU threads; by default it follows from sizes, and `auto` times the "
        "step with each number and uses the fastest.",
    )
    precision: Literal["float32", "fast", "float64"] = training(
        default="float32",
        about="The floating-point type; `fast` is float32 with matrix products in "
        "bfloat16 (on a GPU TensorFloat-32).",
    )
    compile: Literal["off", "auto", "on"] = environment(
        default="off",
        about="Whether the training step is compiled; `auto` times both and uses the faster.",
    )
    keep: int = environment(default=2, about="The number of checkpoints to keep.", ge=1, le=10**6)


class SharedSettings(Value):
    """The settings of `train` that a player or a stage may have for itself."""

    optimizer: Optimizer | None = training(
        default=None, about="The optimizer and its options; by default that of `train`."
    )
    schedule: AnySchedule | None = steering(
        default=None,
        about="The learning-rate schedule: a list of changes, or a schedule by name; by default "
        "that of `train`.",
    )
    clip: float | None = steering(
        default=None,
        about="The norm to which a larger gradient is clipped; by default that of `train`.",
        gt=0,
    )

    def resolved(self, train: TrainSpec) -> Self:
        """The complete settings, with those of `train` as defaults."""
        shared = {key: getattr(train, key) for key in SHARED if getattr(self, key) is None}
        return self.model_copy(update=shared)


class StageSettings(SharedSettings):
    """The training settings of one stage that differ from `train`."""

    epochs: int | None = steering(
        default=None,
        about="The number of epochs of the stage; by default the length in `train`.",
        ge=1,
        le=10**9,
    )
    rows: Mapping[str, Annotated[tuple[Class, ...], Field(min_length=1)]] | None = training(
        default=None,
        about="The rows of the stage, of training and of validation: those with one of these "
        "classes in each of the fields; by default all.",
        min_length=1,
    )

    def resolved(self, train: TrainSpec) -> Self:
        """The complete settings, with those and the epochs of `train` as defaults."""
        epochs = train.epochs if self.epochs is None else self.epochs
        return super().resolved(train).model_copy(update={"epochs": epochs})


class PlayerSettings(SharedSettings):
    """The training settings of one player that differ from `train`."""

    clip_weights: float | None = training(
        default=None,
        about="The largest absolute value of a weight, to which larger ones are clipped after each "
        "update.",
        gt=0,
    )
    steps: int = training(
        default=1,
        about="The number of updates that the player makes in each step of the run.",
        ge=1,
        le=2**20,
    )

    def differing(self, train: TrainSpec) -> dict[str, Any]:
        """The settings that differ from those of `train` or from the default, by key."""
        full = self.resolved(train)
        found = {key: getattr(full, key) for key in SHARED}
        found = {key: value for key, value in found.items() if value != getattr(train, key)}
        own = {"steps": self.steps if self.steps > 1 else None, "clip_weights": self.clip_weights}
        return found | {key: value for key, value in own.items() if value is not None}


SHARED = tuple(SharedSettings.model_fields)
"""The settings that `train` has for all players and stages."""


class Evaluation(Value):
    """A metric of the spec, computed after training."""

    estimator: Literal["elbo", "iwae", "exact", "ais"] = steering(
        default="iwae", about="The estimator of the log-likelihood."
    )
    particles: int = steering(
        default=1000, about="The number of draws from the guide for each row.", ge=1, le=10**9
    )
    chains: int | None = steering(
        default=None, about="The number of chains of `ais`; 100 by default.", ge=1, le=10**6
    )
    temperatures: int | None = steering(
        default=None,
        about="The number of temperatures of `ais`; 10,000 by default.",
        ge=1,
        le=10**8,
    )
    direction: Literal["forward", "backward", "both"] | None = steering(
        default=None,
        about="The direction of `ais`: `forward` by default, which is below log Z on average. In a "
        "directed model others add both directions on rows of the model.",
    )
    latents: Literal["mean_field", "ais"] | None = steering(
        default=None,
        about="How `ais` treats latents of a row that have no closed sum: `mean_field`, a lower "
        "bound, by default, or `ais`.",
    )
    data: str = steering(default="test", about="The part of the data.")
    rows: int | None = steering(
        default=None, about="The number of rows, from the first; all by default.", ge=1
    )
    seed: int = steering(default=0, about="The random seed.", ge=0, lt=2**63)
