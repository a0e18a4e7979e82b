"""Initializers of the weights of a link: `xavier_normal`, or `{xavier_normal: {gain: 0.5}}`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from specc.catalog.entry import Initializer, Reference

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


class Start(Struct, frozen=True):
    """An initializer for n inputs and m outputs; `gain` is None if it has no gain."""

    summary: str
    formula: str
    gain: str | None = None
    references: tuple[Reference, ...] = ()


GLOROT = Reference(
    "Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural "
    "networks",
    "eq. 16",
)
HE = Reference("He et al. (2015), Delving deep into rectifiers", "eq. 10")
STARTS: Mapping[str, Start] = MappingProxyType(
    {
        "default": Start("The start that torch gives to each layer.", "W ~ U(-a, a), a = n^(-1/2)"),
        "kaiming_normal": Start(
            "Normal weights, by the number of inputs.", "W ~ N(0, gain^2 / n)", "sqrt(2)", (HE,)
        ),
        "kaiming_uniform": Start(
            "Uniform weights, by the number of inputs.",
            "W ~ U(-a, a), a = gain sqrt(3 / n)",
            "sqrt(2)",
            (HE,),
        ),
        "orthogonal": Start(
            "Orthonormal rows or columns.",
            "W = gain Q, Q' Q = I or Q Q' = I",
            "1",
            (
                Reference(
                    "Saxe, McClelland and Ganguli (2014), Exact solutions to the nonlinear "
                    "dynamics of learning in deep linear neural networks",
                    "section 3",
                ),
            ),
        ),
        "xavier_normal": Start(
            "Normal weights, by the numbers of inputs and outputs.",
            "W ~ N(0, 2 gain^2 / (n + m))",
            "1",
            (GLOROT,),
        ),
        "xavier_uniform": Start(
            "Uniform weights, by the numbers of inputs and outputs.",
            "W ~ U(-a, a), a = gain sqrt(6 / (n + m))",
            "1",
            (GLOROT,),
        ),
        "zeros": Start("Weights of zero: the link starts as the constant 0.", "W = 0"),
    }
)


class Gain(BaseModel):
    """The options of an initializer."""

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
    """The call that initializes the weights; None for the default of torch."""
    if init == "default":
        return None
    if isinstance(init, str):
        return Initializer(f"specc.runtime.init.{init}")
    ((scheme, options),) = init.items()
    return Initializer(f"specc.runtime.init.{scheme}", MappingProxyType({"gain": options.gain}))
