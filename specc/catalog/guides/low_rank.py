"""A normal distribution whose covariance is of low rank plus a diagonal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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


class Options(NoOptions):
    """`low_rank`, or `{low_rank: {rank: 10}}`."""

    rank: int = Field(
        10, description="The rank; at most the number of unconstrained numbers.", ge=1, le=10_000
    )
    scale: float = Field(0.1, description="The standard deviations at the start.", gt=0, le=1e6)


def expand(options: Mapping[str, Any], latents: Sequence[Unknown], fresh: Fresh) -> LongForm:
    """One node with the covariance F F' + diag(d)."""
    require_continuous(latents)
    size = sum(each.size for each in latents)
    rank, variance = min(options["rank"], size), options["scale"] ** 2
    vector = drawn_together(latents, fresh)
    loc, factor = fresh(f"{vector.prefix}_loc"), fresh(f"{vector.prefix}_cov_factor")
    diagonal = fresh(f"{vector.prefix}_cov_diag")
    spread = f"{{normal: {options['scale'] / rank**0.5:.3g}}}"
    guide = {
        loc: parameter("real", (size,), init=vector.start),
        factor: parameter("real", (size, rank), init=spread),
        diagonal: parameter("positive", (size,), init=f"{variance:g}"),
        vector.name: vector.node(
            f"lowrank_multivariate_normal, loc: {loc}, cov_factor: {factor}, cov_diag: {diagonal}"
        ),
    }
    return LongForm(guide, vector.links, {})


ENTRY = Guide(
    name="low_rank",
    title="low-rank multivariate normal",
    summary="One multivariate normal distribution of the unconstrained numbers behind all latents, "
    "whose covariance is of low rank plus a diagonal: correlations at a linear cost.",
    formula="q(w) = MultivariateNormal(u; loc, F F' + diag(d)) |du/dw|, w = f(u)",
    references=(
        Reference(
            "Ong, Nott and Smith (2018), Gaussian variational approximation with a factor "
            "covariance structure",
            "section 2",
        ),
    ),
    example="guide: {auto: {low_rank: {rank: 5}}}",
    Options=Options,
    expand=expand,
)
