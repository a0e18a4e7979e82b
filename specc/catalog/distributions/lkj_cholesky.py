"""The LKJ distribution of correlation matrices, by their Cholesky factors."""

from __future__ import annotations

from specc.catalog.entry import Distribution, Parameter, Reference, always
from specc.catalog.supports import CORR_CHOLESKY, POSITIVE

ENTRY = Distribution(
    name="lkj_cholesky",
    summary="The Cholesky factor L of a correlation matrix of n variables, whose density is "
    "proportional to det(L L')^(concentration - 1).",
    formula="prod_(i = 2)^n L_ii^(n - i + 2 c - 2) / Z, c = concentration",
    references=(
        Reference(
            "Lewandowski, Kurowicka and Joe, Generating random correlation matrices based on "
            "vines and extended onion method, 2009",
            "sections 2.4 and 3",
        ),
    ),
    parameters=(
        Parameter(
            "concentration",
            POSITIVE,
            "1 for uniform correlation matrices; more is closer to the identity",
        ),
    ),
    result_dims=("n", "n"),
    result=always(CORR_CHOLESKY),
    example="z: {latent: lkj_cholesky, concentration: 2, shape: [3, 3]}",
    reparameterized=True,
    mean=False,
)
