"""Options that several links share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue
from pydantic_core import PydanticKnownError

from specc.catalog.entry import Lowered
from specc.catalog.limits import MAX_LAYERS, MAX_SIZE
from specc.catalog.link import INITIALIZATION, LinkOptions
from specc.catalog.links.blocks.activation import Activation
from specc.catalog.links.blocks.initialization import Init
from specc.catalog.links.blocks.spectral import spectrally_normalized

Size = Annotated[int, Field(ge=1, le=MAX_SIZE)]
Depth = Annotated[int, Field(ge=1, le=MAX_LAYERS)]
"""The number of consecutive layers."""

# A list in YAML; strict mode would refuse it for a tuple.
Sizes = Annotated[tuple[Size, ...], Field(strict=False, max_length=MAX_LAYERS)]


def _some(entries: tuple[object, ...]) -> tuple[object, ...]:
    if not entries:
        length = {"field_type": "List", "min_length": 1, "actual_length": 0}
        raise PydanticKnownError("too_short", length)
    return entries


# `min_length` of pydantic counts valid entries only, and would report one error twice.
NotEmpty = AfterValidator(_some)
AT_LEAST_ONE: dict[str, JsonValue] = {"minItems": 1}

SomeSizes = Annotated[Sizes, NotEmpty, Field(json_schema_extra=AT_LEAST_ONE)]

Probability = Annotated[float, Field(ge=0.0, lt=1.0)]


class WeightOptions(LinkOptions):
    """Options of every link that has weights."""

    init: Init = Field(
        "default",
        description="The initialization of weights; biases are 0, except with `default`.",
        json_schema_extra={"digest": INITIALIZATION},
    )
    bias: bool = Field(True, description="Whether linear maps and convolutions add a bias.")

    @property
    def has_bias(self) -> bool:
        """Whether the layers add constants."""
        return self.bias


class SpectralOptions(WeightOptions):
    """Options of every link of linear maps and convolutions."""

    spectral_norm: bool = Field(
        False,
        description="Whether each weight is divided by its largest singular value.",
        json_schema_extra={"digest": "math", "digested": "where set"},
    )

    def applied(self, lowered: Lowered) -> Lowered:
        """The layers, with spectral normalization."""
        return spectrally_normalized(lowered) if self.spectral_norm else lowered


class StackOptions(SpectralOptions):
    """Options of every link with several layers: normalization, activation, dropout after each."""

    activation: Activation = Field("relu", description="The function between two layers.")
    normalization: Literal["none", "batch", "layer"] = Field(
        "none", description="Normalization before each activation."
    )
    dropout: Probability = Field(
        0.0, description="The fraction of features set to zero after each activation in training."
    )

    @property
    def is_linear(self) -> bool:
        """Whether nothing but linear maps follow each other."""
        plain = self.activation == "identity" and self.normalization == "none"
        return plain and not self.dropout
