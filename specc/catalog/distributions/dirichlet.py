"""The Dirichlet distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import POSITIVE, SIMPLEX

ENTRY = Distribution(
    name="dirichlet",
    summary="A density on vectors of n positive numbers that sum to one: a prior of probabilities.",
    formula="Gamma(sum_i a_i) prod_i x_i^(a_i - 1) / Gamma(a_i), a = concentration",
    references=(
        Reference("Bishop, Pattern Recognition and Machine Learning, 2006", "equation 2.38"),
    ),
    parameters=(Parameter("concentration", POSITIVE, "the weight of each class", dims=("n",)),),
    result_dims=("n",),
    result=always(SIMPLEX),
    example="z: {latent: dirichlet, concentration: 1, shape: [3]}",
    reparameterized=True,
    entropy=True,
    kl_with=("dirichlet",),
)
