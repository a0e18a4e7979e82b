"""The Dirichlet-multinomial distribution."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import COUNTS, NATURAL, POSITIVE

ENTRY = Distribution(
    name="dirichlet_multinomial",
    summary="Overdispersed counts of n classes out of `total_count` draws, whose probabilities "
    "are a Dirichlet variable.",
    formula="N! Gamma(A) / Gamma(N + A) prod_i Gamma(x_i + a_i) / (x_i! Gamma(a_i)), "
    "a = concentration, A = sum_i a_i, N = total_count = sum_i x_i",
    references=(
        Reference(
            "Mosimann, On the compound multinomial distribution, Biometrika 49, 1962",
            "section 2",
        ),
    ),
    parameters=(
        Parameter("total_count", NATURAL, "the number of draws"),
        Parameter("concentration", POSITIVE, "the weight of each class", dims=("n",)),
    ),
    options={"classes": "n"},
    result_dims=("n",),
    result=always(COUNTS),
    example="x: {latent: dirichlet_multinomial, total_count: 20, concentration: 1, shape: [5]}",
    continuous=False,
    limits={"total": "total_count"},
)
