"""The pooled features of Inception v3, from a file of weights."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import Named, NoOptions


class Options(NoOptions):
    """Features of Inception v3 from a file of its weights."""

    weights: str = Field(
        description="The file of the weights, such as `pt_inception-2015-12-05-6726825d.pth`; "
        "none is downloaded."
    )
    layer: Literal[64, 192, 768, 2048] = Field(
        2048, description="The number of features, which names the layer."
    )


ENTRY = Named(
    name="inception",
    kind="feature",
    summary="Features of Inception v3, from a file of its weights, through torchmetrics: "
    "`pip install 'specc[inception]'`. The node must contain images with values in [0, 1].",
    formula="f(x) = the pooled features of Inception v3, pictures enlarged to 299 x 299",
    references=(
        Reference("Szegedy et al. 2016, Rethinking the Inception architecture"),
        Reference("Heusel et al. 2017, GANs trained by a two time-scale update rule", "section 3"),
    ),
    example="evaluate: {frechet_x: {metric: frechet, "
    "features: {inception: {weights: inception.pth}}}}",
    Options=Options,
)
