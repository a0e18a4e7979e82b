"""Options that several links share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue
from pydantic_core import PydanticKnownError

from specc.catalog.limits import MAX_LAYERS, MAX_SIZE
from specc.catalog.link import LinkOptions
from specc.catalog.links.blocks.activation import Activation
from specc.catalog.links.blocks.initialization import Init

Size = Annotated[int, Field(ge=1, le=MAX_SIZE)]
Depth = Annotated[int, Field(ge=1, le=MAX_LAYERS)]
"""How many layers stand one after the other."""

# A YAML list; strict mode would refuse it where a tuple is wanted.
Sizes = Annotated[tuple[Size, ...], Field(strict=False, max_length=MAX_LAYERS)]


def _some(entries: tuple[object, ...]) -> tuple[object, ...]:
    if not entries:
        length = {"field_type": "List", "min_length": 1, "actual_length": 0}
        raise PydanticKnownError("too_short", length)
    return entries


# `min_length` of pydantic counts the entries that are valid, and would blame one error twice.
NotEmpty = AfterValidator(_some)
AT_LEAST_ONE: dict[str, JsonValue] = {"minItems": 1}

SomeSizes = Annotated[Sizes, NotEmpty, Field(json_schema_extra=AT_LEAST_ONE)]

Probability = Annotated[float, Field(ge=0.0, lt=1.0)]


class WeightOptions(LinkOptions):
    """Options of every link that has weights."""

    init: Init = Field(
        "default",
        description="How the weights start; biases at 0, except by `default`.",
        json_schema_extra={"digest": "parameters"},  # another start, the same mathematics
    )
    bias: bool = Field(True, description="Whether linear maps and convolutions add a bias.")


class StackOptions(WeightOptions):
    """Options of every link that stacks layers: each is normalized, then bent, then thinned."""

    activation: Activation = Field("relu", description="The function between two layers.")
    normalization: Literal["none", "batch", "layer"] = Field(
        "none", description="Normalization before each activation."
    )
    dropout: Probability = Field(
        0.0, description="The share of features set to zero after each activation in training."
    )
