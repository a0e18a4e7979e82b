"""The sliced Wasserstein distance."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import Metric, MetricOptions
from specc.catalog.registry import FEATURES


class Options(MetricOptions):
    """`{metric: sliced_wasserstein, order: 2}`."""

    order: Literal[1, 2] = Field(1, description="The order p of the distance.")
    projections: int = Field(500, description="The number of random directions.", ge=2, le=10**6)
    features: Any = Field("raw", description="The features of a row that are compared.")


ENTRY = Metric(
    name="sliced_wasserstein",
    title="sliced Wasserstein distance",
    summary="The Wasserstein distance of data and samples along random directions, exact along "
    "each of them. The standard error is that of the directions; two sets of rows of one "
    "distribution have a distance above 0, too.",
    formula="SW_p^p = mean over u of integral over t in [0, 1] of |F_u^-1(t) - G_u^-1(t)|^p\n"
    "u uniform on the sphere, F_u and G_u the distributions of u . x and u . y",
    references=(
        Reference(
            "Bonneel et al. 2015, Sliced and Radon Wasserstein barycenters of measures",
            "section 3",
        ),
    ),
    example="evaluate: {sliced: {metric: sliced_wasserstein, order: 1, projections: 200}}",
    values={"distance": "SW_p, in the units of the values"},
    Options=Options,
    named={"features": FEATURES},
    rows=10_000,
)
