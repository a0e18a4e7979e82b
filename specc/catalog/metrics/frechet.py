"""The Frechet distance of two normal distributions."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import Metric, MetricOptions
from specc.catalog.registry import FEATURES


class Options(MetricOptions):
    """`{metric: frechet, features: {classifier: {run: digit_classifier-1}}}`."""

    features: Any = Field("raw", description="The features of a row that are compared.")


ENTRY = Metric(
    name="frechet",
    title="Frechet distance",
    summary="The squared Wasserstein distance of order 2 between two normal distributions, with "
    "the means and the covariances of data and samples. It is biased upwards for few rows: "
    "compare values for equal numbers of rows.",
    formula="|m - n|^2 + tr(S + T - 2 (S T)^(1/2))\n"
    "m, n the means of f(x) and f(y); S, T their covariances, by n - 1",
    references=(
        Reference("Dowson and Landau 1982", "eq. 16"),
        Reference("Heusel et al. 2017, GANs trained by a two time-scale update rule", "eq. 6"),
    ),
    example="evaluate: {frechet_x: {metric: frechet}}",
    values={"distance": "the squared distance"},
    Options=Options,
    named={"features": FEATURES},
    rows=10_000,
)
