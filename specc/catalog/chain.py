"""The catalog entry of a Markov chain that moves continuous values along a gradient.

It needs the log-density up to a constant, and its gradient. The modules with the names of the
entries under `specc.runtime.chains` compute the moves; the options are their keyword arguments.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated

from msgspec import Struct
from pydantic import BaseModel, Field, create_model

from specc.catalog.entry import Reference
from specc.catalog.limits import MAX_STEPS
from specc.catalog.metric import NoOptions

StepSize = Annotated[float, Field(gt=0, le=1e6)]


class Chain(Struct, frozen=True):
    """A Markov chain: its transition in a formula, and its options.

    `exact` states whether the distribution that a transition leaves unchanged is the target; that
    of other chains approaches the target as the step size goes to 0.
    """

    name: str
    title: str
    summary: str
    formula: str
    references: tuple[Reference, ...]
    example: str
    Options: type[BaseModel] = NoOptions
    exact: bool = True


class Moves(NoOptions):
    """The options of a chain that draws the latents of rows inside an objective."""

    steps: int = Field(1, description="The number of transitions in an update.", ge=1, le=MAX_STEPS)
    persistent: bool = Field(
        True,
        description="Whether the chain of each row goes on where it stopped; if not, it starts at "
        "standard normal numbers in each update.",
    )


@cache
def moves_of(options: type[BaseModel]) -> type[BaseModel]:
    """The options of a chain together with those of its use inside an objective."""
    return create_model("Options", __base__=(options, Moves), __doc__=options.__doc__)
