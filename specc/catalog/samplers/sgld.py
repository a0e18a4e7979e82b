"""Stochastic-gradient Langevin dynamics."""

from __future__ import annotations

from specc.catalog.entry import Reference
from specc.catalog.sampler import MinibatchOptions, Sampler


class Options(MinibatchOptions):
    """`{sgld: {step_size: 0.001}}`."""


ENTRY = Sampler(
    name="sgld",
    title="stochastic-gradient Langevin dynamics",
    summary="Steps along the gradient of a minibatch, with noise, all of which are accepted. The "
    "bias vanishes with the step size: a normal posterior with the variance v gets v / (1 - h / "
    "(4 v)) if the batch has all rows.",
    formula="q' = q + h / 2 g + sqrt(h) xi, xi ~ Normal(0, I); g estimates the gradient of log "
    "p(q | data)",
    references=(Reference("Welling and Teh 2011", "equation 4"),),
    example="sampler: {sgld: {step_size: 0.001}}",
    Options=Options,
    minibatches=True,
)
