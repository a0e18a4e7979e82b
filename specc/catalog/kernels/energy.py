"""The distance kernel, whose discrepancy is the energy distance."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.metric import Named, NoOptions


class Options(NoOptions):
    """The distance kernel; the discrepancy is the energy distance."""

    exponent: float = Field(
        1.0, description="The exponent b of the distance; below 2 it is a metric.", gt=0, lt=2
    )


ENTRY = Named(
    name="energy",
    kind="kernel",
    summary="The distance kernel. The discrepancy is the energy distance, 2 E|X - Y|^b - "
    "E|X - X'|^b - E|Y - Y'|^b, and has no width parameter.",
    formula="k(x, y) = |x|^b + |y|^b - |x - y|^b",
    references=(
        Reference("Szekely and Rizzo 2013, Energy statistics", "section 2"),
        Reference(
            "Sejdinovic et al. 2013, Equivalence of distance-based and RKHS-based statistics",
            "theorem 22",
        ),
    ),
    example="evaluate: {two_sample: {metric: mmd, kernel: energy}}",
    Options=Options,
    scaled=False,
)
