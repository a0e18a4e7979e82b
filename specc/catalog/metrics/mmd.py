"""The maximum mean discrepancy, with a permutation test."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import Metric, MetricOptions
from specc.catalog.registry import FEATURES, KERNELS


class Options(MetricOptions):
    """`{metric: mmd, kernel: energy}`."""

    kernel: Any = Field("rbf", description="The kernel.")
    bandwidth: float | None = Field(
        None,
        description="The bandwidth h of the kernel; by default the median distance between two "
        "of all rows.",
        gt=0,
    )
    permutations: int = Field(
        999, description="The number of random permutations for the p-value.", ge=1, le=10**6
    )
    features: Any = Field("raw", description="The features of a row that are compared.")


ENTRY = Metric(
    name="mmd",
    title="squared maximum mean discrepancy",
    summary="The squared maximum mean discrepancy between data and samples by its unbiased "
    "estimate, and the p-value of the two-sample test by permutations: under equality it is "
    "uniform. The standard error is that of the jackknife.",
    formula="MMD^2 = mean over i != j of k(x_i, x_j) + mean over i != j of k(y_i, y_j)\n"
    "        - 2 mean over i, j of k(x_i, y_j)\n"
    "p = (1 + #{permuted MMD^2 >= MMD^2}) / (1 + permutations)",
    references=(
        Reference("Gretton et al. 2012, A kernel two-sample test", "eq. 3 and section 5"),
        Reference("Phipson and Smyth 2010, Permutation p-values should never be zero", "eq. 2"),
    ),
    example="evaluate: {two_sample: {metric: mmd, kernel: rbf, rows: 500}}",
    values={
        "mmd2": "MMD^2, which is below 0 by chance where the two distributions are equal",
        "p_value": "the p-value of the test that they are",
    },
    Options=Options,
    named={"kernel": KERNELS, "features": FEATURES},
    rows=1000,
)
