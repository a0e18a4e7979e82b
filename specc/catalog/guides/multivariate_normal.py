"""A normal distribution of all unconstrained numbers, with their correlations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.guide import (
    Fresh,
    Guide,
    LongForm,
    NoGuide,
    Unknown,
    drawn_together,
    parameter,
    require_continuous,
)
from specc.catalog.metric import NoOptions

MOST_NUMBERS = 2000
"""Unconstrained numbers above which the matrix is refused: it has their square of entries."""


class Options(NoOptions):
    """`multivariate_normal`, or `{multivariate_normal: {scale: 0.1}}`."""

    scale: float = Field(0.1, description="The standard deviations at the start.", gt=0, le=1e6)


def expand(options: Mapping[str, Any], latents: Sequence[Unknown], fresh: Fresh) -> LongForm:
    """One multivariate normal node, with a Cholesky factor of the covariance."""
    require_continuous(latents)
    size = sum(each.size for each in latents)
    if size > MOST_NUMBERS:
        reason = f"with {size:,} numbers in all the covariance has {size * size:,} entries"
        raise NoGuide(latents[0].name, reason, "write `low_rank` or `mean_field`")
    vector = drawn_together(latents, fresh)
    loc, scale = fresh(f"{vector.prefix}_loc"), fresh(f"{vector.prefix}_scale_tril")
    guide = {
        loc: parameter("real", (size,), init=vector.start),
        scale: parameter("cholesky", (size, size)),
        vector.name: vector.node(
            f"multivariate_normal, loc: {loc}, scale_tril: {options['scale']:g} * {scale}"
        ),
    }
    return LongForm(guide, vector.links, {})


ENTRY = Guide(
    name="multivariate_normal",
    title="multivariate normal",
    summary="One multivariate normal distribution of the unconstrained numbers behind all latents, "
    "with a full covariance. It is exact if the posterior is normal.",
    formula="q(w) = MultivariateNormal(u; loc, L L') |du/dw|, w = f(u)",
    references=(
        Reference(
            "Kucukelbir, Tran, Ranganath, Gelman and Blei (2017), Automatic differentiation "
            "variational inference",
            "section 2.4, full-rank Gaussian",
        ),
    ),
    example="guide: {auto: multivariate_normal}",
    Options=Options,
    expand=expand,
)
