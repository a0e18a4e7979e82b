"""The values themselves."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.metric import Named, NoOptions


class Options(NoOptions):
    """The values of the node as one vector."""


ENTRY = Named(
    name="raw",
    kind="feature",
    summary="The values of the node as one vector, in the units of the model.",
    formula="f(x) = x",
    references=(Reference("Heusel et al. 2017, GANs trained by a two time-scale update rule"),),
    example="evaluate: {frechet_x: {metric: frechet, features: raw}}",
    Options=Options,
)
