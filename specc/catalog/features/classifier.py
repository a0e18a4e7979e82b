"""A layer of a classifier that was trained as a run."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import Named, NoOptions


class Options(NoOptions):
    """A layer of a classifier that was trained as a run."""

    run: str = Field(
        description="The run of the classifier: a folder, or the name of one in `runs/`."
    )
    layer: str = Field(
        "",
        description="The module whose output is taken, such as `classifier.2`; by default the "
        "input of the last linear layer.",
    )


ENTRY = Named(
    name="classifier",
    kind="feature",
    summary="A layer of a classifier that was trained as a run: a program with an observed class "
    "given the compared node. The metric states the run and the layer.",
    formula="f(x) = h_l(x), the output of the layer l of p(y | x)",
    references=(
        Reference("Heusel et al. 2017, GANs trained by a two time-scale update rule", "section 3"),
    ),
    example="evaluate: {frechet_x: {metric: frechet, "
    "features: {classifier: {run: digit_classifier-1}}}}",
    Options=Options,
)
