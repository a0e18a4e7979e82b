"""What a metric of samples, its kernel and its features say of themselves, without torch.

A metric compares rows that the model draws with rows of data, or examines the former alone; no
likelihood is needed. The module of the same stem under `specc.evaluate.metrics` computes it, and
those under `specc.runtime.kernels` and `specc.evaluate.features` what its options name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from specc.catalog.entry import Reference


class NoOptions(BaseModel):
    """An entry without options."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class MetricOptions(NoOptions):
    """The options of every metric; those of single ones come after them."""

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
# A YAML list; strict mode would refuse it where a tuple is wanted.
Positives = Annotated[tuple[Positive, ...], Field(strict=False, min_length=1, max_length=100)]
Point = Annotated[tuple[float, ...], Field(strict=False, min_length=1, max_length=10_000)]
Points = Annotated[tuple[Point, ...], Field(strict=False, min_length=1, max_length=10_000)]


@dataclass(frozen=True, slots=True)
class Named:
    """A kernel, or features: what an option of a metric names, with options of its own.

    `scaled` says that a kernel has a bandwidth.
    """

    name: str
    kind: Literal["kernel", "feature"]
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    Options: type[BaseModel] = NoOptions
    scaled: bool = True


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of samples.

    `values` are the numbers that it consists of, the headline first, with their meanings. `named`
    are the options whose value is an entry of a catalog, by its name with its options. `rows` is
    how many rows it takes at most where the spec states no number. `units` are those in which
    standardized values are compared: of the model, or of the data. `points` is the option that
    lists points of the node's space; `label` the option that names a node with a class of each
    sample.
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
