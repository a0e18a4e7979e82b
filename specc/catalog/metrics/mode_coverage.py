"""The fraction of modes of a known mixture that the samples reach."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import Metric, MetricOptions, Points


class Options(MetricOptions):
    """`{metric: mode_coverage, centres: [[0, 1], [0, -1]], radius: 0.15}`."""

    centres: Points = Field(description="The centres of the modes, in the units of the data.")
    radius: float = Field(
        description="A sample within this distance of a centre is near that mode.", gt=0
    )
    least: int = Field(
        1, description="The number of near samples with which a mode counts as reached.", ge=1
    )


ENTRY = Metric(
    name="mode_coverage",
    title="mode coverage",
    summary="The fraction of the modes of a known mixture that samples reach, and the fraction of "
    "samples near a mode. A sample belongs to the nearest centre.",
    formula="modes = fraction of c with #{i: c nearest to y_i, |y_i - c| <= radius} >= least\n"
    "near  = fraction of i with min over c of |y_i - c| <= radius",
    references=(
        Reference("Srivastava et al. 2017, VEEGAN", "section 4.1"),
        Reference("Lin et al. 2018, PacGAN", "section 4.1"),
    ),
    example="evaluate: {modes: {metric: mode_coverage, centres: [[1, 0], [-1, 0]], radius: 0.15}}",
    values={
        "modes": "the fraction of modes that are reached",
        "near": "the fraction of samples near a mode",
    },
    Options=Options,
    rows=10_000,
    units="data",
    points="centres",
)
