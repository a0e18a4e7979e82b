"""The faithful inverse of the model, with a network for each latent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.guide import Fresh, Guide, LongForm, NoGuide, Unknown, onto
from specc.catalog.links.blocks.activation import Activation
from specc.catalog.metric import NoOptions

Size = Annotated[int, Field(ge=1, le=100_000)]


class Options(NoOptions):
    """`inverse`, or `{inverse: {hidden: [128, 128], activation: tanh}}`."""

    hidden: Annotated[tuple[Size, ...], Field(strict=False, min_length=1)] = Field(
        (128, 128), description="The sizes of the hidden layers of each network."
    )
    activation: Activation = Field("relu", description="The function between two layers.")
    inputs: int = Field(
        64, description="The largest number of inputs of a network; the nearest are kept.", ge=1
    )


def expand(options: Mapping[str, Any], latents: Sequence[Unknown], fresh: Fresh) -> LongForm:
    """A node for each latent, whose parameters a network gives, applied to what it depends on."""
    guide: dict[str, str] = {}
    links: dict[str, str] = {}
    hidden, activation = list(options["hidden"]), options["activation"]
    for each in latents:
        if not each.given:
            raise NoGuide(each.name, "no data depend on it", "delete it, or write its node")
        link = fresh(f"{each.name}_encoder")
        links[link] = f"{{mlp: {hidden}, activation: {activation}}}"
        inputs = ", ".join(each.given)
        distribution = each.distribution or "normal"
        through = onto(each, fresh, links)
        guide[each.name] = f'{{latent: {distribution}, params: "{link}({inputs})"{through}}}'
    return LongForm(guide, links, {})


ENTRY = Guide(
    name="inverse",
    title="faithful inverse",
    summary="A distribution for each latent given data and other latents, by a network. The inputs "
    "are those of the faithful inverse of the model's graph, so that the guide assumes no "
    "independence that the posterior lacks. Continuous latents are normal, through the map onto "
    "their support; finite ones have their own distribution.",
    formula="q(z | x) = prod_i q(z_i | inputs_i), inputs_i the neighbours of z_i in the moral graph"
    " when latents before it are eliminated",
    references=(
        Reference(
            "Webb, Golinski, Zinkov, Siddharth, Rainforth, Teh and Wood (2018), Faithful inversion "
            "of generative models for effective amortized inference",
            "algorithm 1",
        ),
    ),
    example="guide: {auto: {inverse: {hidden: [64]}}}",
    Options=Options,
    expand=expand,
    local=True,
    standard=True,
)
