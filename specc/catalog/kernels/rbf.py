"""The mixture of Gaussian kernels of several widths."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import Named, NoOptions, Positives


class Options(NoOptions):
    """The Gaussian kernel, as a mean over several widths."""

    widths: Positives = Field(
        (0.25, 0.5, 1.0, 2.0, 4.0), description="The widths w, in units of the bandwidth h."
    )


ENTRY = Named(
    name="rbf",
    kind="kernel",
    summary="The Gaussian kernel, as a mean over several widths.",
    formula="k(x, y) = mean over w of exp(-|x - y|^2 / (2 w^2 h^2))",
    references=(
        Reference("Gretton et al. 2012, A kernel two-sample test", "section 8"),
        Reference("Li, Swersky and Zemel 2015, Generative moment matching networks", "section 2.1"),
    ),
    example="evaluate: {two_sample: {metric: mmd, kernel: {rbf: {widths: [0.5, 1, 2]}}}}",
    Options=Options,
)
