"""The catalog entries of sample metrics, kernels and features, without torch.

A sample metric compares samples of the model with rows of data, or evaluates the samples alone; it
needs no likelihood. The modules with the names of the entries under `specc.evaluate.metrics`,
`specc.runtime.kernels` and `specc.evaluate.features` compute them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from msgspec import Struct, field
from pydantic import BaseModel, ConfigDict, Field

from specc.catalog.entry import Reference


class NoOptions(BaseModel):
    """An entry without options."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class MetricOptions(NoOptions):
    """The options of all metrics."""

    node: str = Field(
        "", description="The observed node that is compared; by default the only one."
    )
    data: str = Field("test", description="The part of the data.")
    rows: int | None = Field(
        None,
        description="The number of rows of data, from the first; by default all, up to the "
        "number that the metric states.",
        ge=2,
        le=10**7,
    )
    samples: int | None = Field(
        None, description="The number of samples; by default that of the rows.", ge=2, le=10**7
    )
    seed: int = Field(0, description="The random seed.", ge=0, lt=2**63)


Positive = Annotated[float, Field(gt=0)]
# A list in YAML; strict mode would refuse it for a tuple.
Positives = Annotated[tuple[Positive, ...], Field(strict=False, min_length=1, max_length=100)]
Point = Annotated[tuple[float, ...], Field(strict=False, min_length=1, max_length=10_000)]
Points = Annotated[tuple[Point, ...], Field(strict=False, min_length=1, max_length=10_000)]


class Named(Struct, frozen=True):
    """A kernel or features: the value of an option of a metric, with its own options.

    `scaled` states whether a kernel has a bandwidth.
    """

    name: str
    kind: Literal["kernel", "feature"]
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    Options: type[BaseModel] = NoOptions
    scaled: bool = True


class Metric(Struct, frozen=True):
    """A sample metric.

    - `values`: its numbers with their meanings, the main one first.
    - `named`: the options whose value is a kernel or features, with the available entries.
    - `rows`: the maximum number of rows if the spec does not state a number.
    - `units`: the units of transformed values: those of the model, or of the data.
    - `points`: the option with a list of points in the space of the node ("" if none).
    - `label`: the option with the name of the node of the classes of samples ("" if none).
    """

    name: str
    title: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    values: Mapping[str, str]
    Options: type[MetricOptions]
    named: Mapping[str, Mapping[str, Named]] = field(default_factory=lambda: MappingProxyType({}))
    rows: int = 1000
    units: Literal["model", "data"] = "model"
    points: str = ""
    label: str = ""
