"""The normal distribution."""

from __future__ import annotations

from specc.catalog.entry import Conditional, Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE, REAL

ENTRY = Distribution(
    name="normal",
    summary="The normal (Gaussian) distribution, entry by entry.",
    formula="exp(-(x - loc)^2 / (2 scale^2)) / (scale sqrt(2 pi))",
    references=(
        Reference("Bishop, Pattern Recognition and Machine Learning, 2006", "equation 1.46"),
        Reference("Kingma and Welling, Auto-Encoding Variational Bayes, 2014", "appendix B (KL)"),
    ),
    parameters=(
        Parameter("loc", REAL, "the mean"),
        Parameter("scale", POSITIVE, "the standard deviation"),
    ),
    result=always(REAL),
    example="z: {latent: normal, loc: 0, scale: 1}",
    gaussian=True,
    reparameterized=True,
    cdf=True,
    location_scale=True,
    entropy=True,
    kl_with=("normal",),
    conditional=Conditional(
        arguments={"loc": "c / a", "scale": "1 / sqrt(a)"},
        log_partition="sum(c ** 2 / (2 * a) + log(6.283185307179586 / a) / 2)",
        base="1",
        quadratic=True,
    ),
)
