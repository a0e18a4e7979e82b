"""The mixture of rational quadratic kernels."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import Named, NoOptions, Positives


class Options(NoOptions):
    """The rational quadratic kernel, as a mean over several exponents."""

    alphas: Positives = Field((0.2, 0.5, 1.0, 2.0, 5.0), description="The exponents a.")


ENTRY = Named(
    name="rational_quadratic",
    kind="kernel",
    summary="The rational quadratic kernel, as a mean over several exponents; its tails are "
    "heavier than Gaussian ones.",
    formula="k(x, y) = mean over a of (1 + |x - y|^2 / (2 a h^2))^-a",
    references=(Reference("Binkowski et al. 2018, Demystifying MMD GANs", "section 2.1"),),
    example="evaluate: {two_sample: {metric: mmd, kernel: rational_quadratic}}",
    Options=Options,
)
