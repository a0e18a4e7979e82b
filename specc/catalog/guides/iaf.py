"""A normal distribution through inverse autoregressive flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.guide import (
    Fresh,
    Guide,
    LongForm,
    Unknown,
    drawn_together,
    parameter,
    require_continuous,
)
from specc.catalog.metric import NoOptions

Size = Annotated[int, Field(ge=1, le=100_000)]


class Options(NoOptions):
    """`iaf`, or `{iaf: {layers: 2, hidden: [64]}}`."""

    layers: int = Field(2, description="The number of layers.", ge=1, le=100)
    hidden: Annotated[tuple[Size, ...], Field(strict=False, min_length=1)] = Field(
        (64,), description="The sizes of the hidden layers of each network."
    )
    scale: float = Field(
        0.1, description="The standard deviations of the base draw at the start.", gt=0, le=1e6
    )


def expand(options: Mapping[str, Any], latents: Sequence[Unknown], fresh: Fresh) -> LongForm:
    """One node with independent normal numbers, through the flow and the maps onto supports."""
    require_continuous(latents)
    size = sum(each.size for each in latents)
    vector = drawn_together(latents, fresh, flow=True)
    loc, scale = fresh(f"{vector.prefix}_loc"), fresh(f"{vector.prefix}_scale")
    layers, hidden = options["layers"], list(options["hidden"])
    vector.links[vector.steps[0]] = f"{{iaf: {{layers: {layers}, hidden: {hidden}}}}}"
    guide = {
        loc: parameter("real", (size,), init=vector.start),
        scale: parameter("positive", (size,), init=f"{options['scale']:g}"),
        vector.name: vector.node(f"normal, loc: {loc}, scale: {scale}"),
    }
    return LongForm(guide, vector.links, {})


ENTRY = Guide(
    name="iaf",
    title="inverse autoregressive flow",
    summary="Independent normal numbers through inverse autoregressive flows, so that the "
    "posterior may be curved and have several modes.",
    formula="q(w) = Normal(e; loc, scale) |de/dw|, w = f(g(e)), g the flow",
    references=(
        Reference(
            "Kingma et al. (2016), Improving variational inference with inverse autoregressive "
            "flow",
            "section 3",
        ),
    ),
    example="guide: {auto: {iaf: {layers: 2, hidden: [64]}}}",
    Options=Options,
    expand=expand,
)
