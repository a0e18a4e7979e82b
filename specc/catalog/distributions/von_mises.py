"""The von Mises distribution of angles."""

from __future__ import annotations

import math

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE, REAL, Interval

ENTRY = Distribution(
    name="von_mises",
    summary="A density on angles in radians from -pi to pi, with one mode; for a large "
    "concentration it is nearly normal.",
    formula="exp(concentration cos(x - loc)) / (2 pi I_0(concentration))",
    references=(
        Reference("Bishop, Pattern Recognition and Machine Learning, 2006", "equation 2.179"),
        Reference(
            "Best and Fisher, Efficient simulation of the von Mises distribution, Applied "
            "Statistics 28, 1979"
        ),
    ),
    parameters=(
        Parameter("loc", REAL, "the mode, an angle; multiples of 2 pi make no difference"),
        Parameter("concentration", POSITIVE, "the inverse of the variance, if that is small"),
    ),
    result=always(Interval(-math.pi, math.pi)),
    example="z: {latent: von_mises, loc: 0, concentration: 2}",
    mean=False,
)
