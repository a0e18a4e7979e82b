"""The linear kernel."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.metric import Named, NoOptions


class Options(NoOptions):
    """The inner product; the discrepancy is the squared distance of the means."""


ENTRY = Named(
    name="linear",
    kind="kernel",
    summary="The inner product; the discrepancy is the squared distance of the means and depends "
    "on nothing else.",
    formula="k(x, y) = x . y",
    references=(Reference("Gretton et al. 2012, A kernel two-sample test", "section 2"),),
    example="evaluate: {two_sample: {metric: mmd, kernel: linear}}",
    Options=Options,
    scaled=False,
)
