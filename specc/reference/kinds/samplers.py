"""The reference of samplers."""

from __future__ import annotations

from specc.catalog.registry import SAMPLERS
from specc.catalog.sampler import Sampler
from specc.reference.entry import Entry, Page, cited
from specc.reference.values import options

INTRO = """`sampler: {NAME: {chains: 4, warmup: 1000, draws: 1000}}` takes the place of
`objective:`: Markov chains draw the global latents of the model from their posterior, and
`specc train` runs them. [Posteriors](../posteriors.md) explains it.

Beside an objective `sampler: {hmc: {step_size: 0.1, steps: 2}}` draws the latents of each row by
one of the [chains](draws.md), with two further options, `steps` and `persistent`.
[Monte Carlo EM](../monte_carlo_em.md) explains it.
"""


def page() -> Page:
    """Return the page of all samplers."""
    return Page("samplers", "Samplers", INTRO, tuple(map(_entry, SAMPLERS.values())))


def _entry(of: Sampler) -> Entry:
    return Entry(
        name=of.name,
        kind="sampler",
        summary=of.summary,
        formula=of.formula,
        tables=options(of.Options),
        example=of.example,
        sources=cited(of.references),
    )
