"""How the weights of a link start, by name: `xavier_normal`, or `{xavier_normal: {gain: 0.5}}`."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from specc.catalog.entry import Initializer

Scheme = Literal[
    "default",
    "kaiming_normal",
    "kaiming_uniform",
    "orthogonal",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
Scaled = Literal[
    "kaiming_normal", "kaiming_uniform", "orthogonal", "xavier_normal", "xavier_uniform"
]


class Gain(BaseModel):
    """The options of a scheme."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    gain: float = Field(gt=0, allow_inf_nan=False, description="A factor on every weight.")


def _form(value: object) -> str:
    return "options" if isinstance(value, dict) else "name"


Init = Annotated[
    Annotated[Scheme, Tag("name")]
    | Annotated[dict[Scaled, Gain], Field(min_length=1, max_length=1), Tag("options")],
    Discriminator(_form),
]


def initializer(init: Scheme | dict[Scaled, Gain]) -> Initializer | None:
    """The call that starts the weights, or None for torch's own start."""
    if init == "default":
        return None
    if isinstance(init, str):
        return Initializer(f"specc.runtime.init.{init}")
    ((scheme, options),) = init.items()
    return Initializer(f"specc.runtime.init.{scheme}", MappingProxyType({"gain": options.gain}))
