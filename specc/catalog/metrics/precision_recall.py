"""Precision and recall of samples by nearest neighbours."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import Metric, MetricOptions
from specc.catalog.registry import FEATURES


class Options(MetricOptions):
    """`{metric: precision_recall, neighbours: 3}`."""

    neighbours: int = Field(
        3, description="The number k of neighbours that determines the radius.", ge=1, le=1000
    )
    features: Any = Field("raw", description="The features of a row that are compared.")


ENTRY = Metric(
    name="precision_recall",
    title="precision and recall",
    summary="Precision is the fraction of samples inside the support of the data, recall the "
    "fraction of data inside that of the samples: within the distance of some row to its k-th "
    "nearest neighbour in its own set. The standard errors are binomial.",
    formula="M(A) = union over a in A of the ball around a up to its k-th neighbour in A\n"
    "precision = fraction of samples in M(data),  recall = fraction of data in M(samples)",
    references=(
        Reference(
            "Kynkaanniemi et al. 2019, Improved precision and recall metric for assessing "
            "generative models",
            "eq. 1, 2",
        ),
    ),
    example="evaluate: {fidelity: {metric: precision_recall, neighbours: 3}}",
    values={
        "precision": "the fraction of samples among the data",
        "recall": "the fraction of data among the samples",
    },
    Options=Options,
    named={"features": FEATURES},
    rows=2000,
)
