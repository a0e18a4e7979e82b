"""Preconditioned stochastic-gradient Langevin dynamics."""

from __future__ import annotations

from pydantic import Field

from specc.catalog.entry import Reference
from specc.catalog.sampler import MinibatchOptions, Sampler


class Options(MinibatchOptions):
    """`{psgld: {step_size: 0.001}}`."""

    memory: float = Field(
        0.99,
        description="The weight a of the past in the mean square of gradients.",
        ge=0,
        lt=1,
    )
    regularization: float = Field(
        1e-5, description="The number r, which bounds the preconditioner by 1 / r.", gt=0, le=1e6
    )
    correction: bool = Field(
        True,
        description="Whether the drift has the divergence of the preconditioner. Without it the "
        "stationary distribution is another one, however small the steps are.",
    )


ENTRY = Sampler(
    name="psgld",
    title="preconditioned stochastic-gradient Langevin dynamics",
    summary="`sgld` with the preconditioner of RMSProp, and with the drift that makes up for its "
    "change with the position, from differences of gradients along random signs.",
    formula="V' = a V + (1 - a) (g / rows)^2; G = 1 / (r + sqrt(V')); q' = q + h / 2 (G g + dG/dq) "
    "+ sqrt(h G) xi, xi ~ Normal(0, I)",
    references=(
        Reference("Li, Chen, Carlson and Carin 2016", "algorithm 1"),
        Reference("Hutchinson 1990", "the diagonal of the Hessian by random signs"),
    ),
    example="sampler: {psgld: {step_size: 0.001}}",
    Options=Options,
    minibatches=True,
)
