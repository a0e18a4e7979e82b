"""Independent normal distributions of unconstrained numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.guide import Fresh, Guide, LongForm, Unknown, onto, parameter, require_continuous
from specc.catalog.metric import NoOptions


class Options(NoOptions):
    """`mean_field`, or `{mean_field: {scale: 0.1}}`."""

    scale: float = Field(0.1, description="The standard deviations at the start.", gt=0, le=1e6)


def expand(options: Mapping[str, Any], latents: Sequence[Unknown], fresh: Fresh) -> LongForm:
    """A normal node for each latent, through the map onto its support."""
    require_continuous(latents)
    guide: dict[str, str] = {}
    links: dict[str, str] = {}
    for each in latents:
        loc, scale = fresh(f"{each.name}_loc"), fresh(f"{each.name}_scale")
        start = f"{each.start:g}" if each.start else ""
        guide[loc] = parameter("real", each.base, each.plate, start)
        guide[scale] = parameter("positive", each.base, each.plate, f"{options['scale']:g}")
        through = onto(each, fresh, links)
        guide[each.name] = f"{{latent: normal, loc: {loc}, scale: {scale}{through}}}"
    return LongForm(guide, links, {})


ENTRY = Guide(
    name="mean_field",
    title="mean field",
    summary="Independent normal distributions of the unconstrained numbers behind the latents.",
    formula="q(w) = prod_i Normal(u_i; loc_i, scale_i) |du/dw|, w = f(u)",
    references=(
        Reference(
            "Kucukelbir, Tran, Ranganath, Gelman and Blei (2017), Automatic differentiation "
            "variational inference",
            "section 2.4, mean-field Gaussian",
        ),
    ),
    example="guide: {auto: mean_field}",
    Options=Options,
    expand=expand,
    standard=True,
)
