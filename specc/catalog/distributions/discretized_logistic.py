"""The logistic distribution, rounded to a grid of integers."""

from __future__ import annotations

from collections.abc import Mapping

from specc.catalog.entry import Distribution, Parameter, Reference
from specc.catalog.supports import POSITIVE, REAL, Integers, Support


def _bins(known: Mapping[str, float]) -> Support:
    return Integers(0, known.get("bins", 256) - 1)


ENTRY = Distribution(
    name="discretized_logistic",
    summary="Integers such as pixels: the mass of a logistic density in each of the bins.",
    formula=(
        "sigmoid((v + h - loc) / scale) - sigmoid((v - h - loc) / scale), "
        "v = 2 x / (bins - 1) - 1, h = 1 / (bins - 1); the first and last bin reach to infinity"
    ),
    references=(
        Reference(
            "Kingma et al., Improving Variational Inference with Inverse Autoregressive Flow, 2016"
        ),
        Reference("Salimans et al., PixelCNN++, 2017", "equation 2"),
    ),
    parameters=(
        Parameter("loc", REAL, "the centre, where bin 0 is at -1 and the last bin at 1"),
        Parameter("scale", POSITIVE, "the width, in the unit of loc"),
        Parameter("bins", Integers(2), "the number of integers"),
    ),
    result=_bins,
    example="x: {latent: discretized_logistic, loc: 0, scale: 0.5}",
    defaults={"bins": 256},
    continuous=False,
)
